const text = (pattern, description) => ({ type: "string", pattern, description });
// A segment of a name, except names that Windows reserves for devices.
const segment =
  "(?!-)(?!\\.{1,2}(?:/|$))(?!(?:[cC][oO][nN]|[pP][rR][nN]|[aA][uU][xX]|[nN][uU][lL]|[cC][oO][mM][0-9]|[lL][pP][tT][0-9])(?:\\.|/|$))[A-Za-z0-9._-]{0,99}[A-Za-z0-9_-]";
const env = `^${segment}$`;
const place = (folder) => ({
  endpoint: text(
    "^(?:https://|http://(?:localhost|127\\.[0-9.]+|\\[::1\\])(?=[:/]|$))[^/?#@\\s][^?#@\\s]*(?<!/)$",
    "the S3 service; https, or http only on this machine",
  ),
  bucket: text("^(?!.*\\.\\.)(?![0-9.]+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", "the bucket"),
  region: text("^[a-z0-9-]{1,32}$", "the region that requests are signed for"),
  prefix: text("^(?:(?!\\.{1,2}/)[^/\\s]+/)+$", folder),
  kmsKey: text("^[\\x21-\\x7e]{1,2048}$", "the KMS key that encrypts the bucket's objects"),
  bucketKey: { const: true, description: "S3 Bucket Keys, with kmsKey" },
  requesterPays: { const: true, description: "you pay for your requests to the bucket" },
});
const projectEnv = {
  type: "object",
  properties: {
    vault: text("^[A-Za-z0-9_-]{22}$", "the vault's id: another vault at this place is refused"),
    protected: { const: true, description: "only the env's name answers when something would be lost" },
    required: {
      type: "array",
      items: { type: "string", minLength: 1 },
      description: "names without which the project does not start",
    },
    ...place("the env's own folder in the bucket, ending in /"),
  },
  additionalProperties: false,
};

/** project.schema.json: what `.vsync.json` may hold, for editors. test/cli/project/project-file.test.ts compares it with the parser. */
export function projectSchema() {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A vsync project file: .vsync.json",
    type: "object",
    properties: {
      $schema: { type: "string" },
      repo: text(`^${segment}(?:/${segment})?$`, "the repository's name: one word, or owner/name"),
      ...place("the folder in the bucket that has one for each env, ending in /"),
      envs: { type: "object", propertyNames: { pattern: env }, additionalProperties: projectEnv },
      defaultEnv: text(env, "the env of a command that names none; never a protected one"),
    },
    required: ["repo"],
    additionalProperties: false,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
