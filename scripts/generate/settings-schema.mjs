import { BACKEND_SCHEMAS } from "../../src/tokens/backends/settings.ts";

/** settings.schema.json: what `vsync settings --from` accepts, for editors. */
export function settingsSchema() {
  const texts = (items) => ({ type: "array", items, minItems: 1 });
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "The settings of a vsync vault: vsync settings --from=<file>",
    type: "object",
    properties: {
      $schema: { type: "string" },
      require_auth: { const: true },
      trusted_ips: texts({ type: "string" }),
      countries: texts({ type: "string", pattern: "^[A-Z]{2}$" }),
      min_tls: { enum: ["1.2", "1.3"] },
      usage_retention_days: { type: "integer", minimum: 1, maximum: 3650 },
      ...BACKEND_SCHEMAS,
    },
    additionalProperties: false,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
