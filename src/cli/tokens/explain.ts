import { isObject } from "../../canonical-json.ts";
import { InputError } from "../../errors.ts";
import { type AuthorizationRequest, Evaluator, Layer, type Verdict } from "../../tokens/grants/evaluate.ts";
import { routeAllowed } from "../../tokens/routes.ts";
import type { ReadTokens } from "../../vault/tokens/read.ts";
import type { TokenSummary } from "../../vault/tokens/summary.ts";
import type { Output } from "../terminal/output.ts";
import { nameOf, statusInWords } from "./render-token.ts";

interface ExplainFlags {
  readonly secret?: string | undefined;
  readonly request?: string | undefined;
  readonly create?: string | undefined;
  readonly workspace?: string | undefined;
  readonly project?: string | undefined;
  readonly json?: boolean | undefined;
}

/** What the user wants to know. */
export type Asked =
  | { readonly kind: "secret"; readonly name: string }
  | { readonly kind: "request"; readonly method: string; readonly path: string }
  | { readonly kind: "create"; readonly properties: Readonly<Record<string, unknown>> };

/**
 * @throws InputError none of the three flags is given, or its value is malformed
 */
export function askedOf({ secret, request, create }: ExplainFlags): Asked {
  if (secret !== undefined) return { kind: "secret", name: secret };
  if (request !== undefined) return requestOf(request);
  if (create !== undefined) return { kind: "create", properties: propertiesOf(create) };
  throw new InputError("nothing to explain", {
    hint: "give --secret=<key>, --request='GET /api/x' or --create=<json>",
  });
}

function requestOf(text: string): Asked {
  const [, method, path] = /^([A-Z]+) (\/\S*)$/.exec(text) ?? [];
  if (method !== undefined && path !== undefined) return { kind: "request", method, path };
  throw new InputError("--request must be a method and a path", { hint: "as in --request='GET /api/x'" });
}

function propertiesOf(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    if (isObject(value)) return { ...value };
  } catch {
    // The error below covers this.
  }
  throw new InputError("--create must be a JSON object", { hint: `as in --create='{"protocol":"http"}'` });
}

/** Says whether the token may, and which layer and grant decide. Returns whether it may. */
export async function explainRequest(
  read: ReadTokens,
  asked: Asked,
  flags: ExplainFlags,
  output: Output,
): Promise<boolean> {
  const [token] = read.tokens;
  if (token === undefined) throw new TypeError("no token was read");
  const layer = await new Layer("stored", token.claims).prepare();
  const evaluator = new Evaluator(read.settings ?? undefined, [layer]);
  const { decision, verdicts } = evaluator.explain(evaluated(asked, read, flags));
  const route = asked.kind === "request" ? routeAllowed(token.claims.routes, asked.method, asked.path) : null;
  const isLive = token.status === "active";
  const allowed = decision.allowed && route !== false && isLive;
  if (flags.json) {
    output.json({ tokenId: token.id, allowed, status: token.status, ...(route === null ? {} : { route }), verdicts });
    return allowed;
  }
  output.line(`${allowed ? "yes" : "no"}: ${sentence(token, asked, allowed)}`);
  if (!isLive) output.line(`  the token is ${statusInWords(token)}: it may read and do nothing`);
  if (asked.kind === "secret" && !read.items.some(({ name }) => name === asked.name)) {
    output.line(`  ${read.manifest.env} has no ${JSON.stringify(asked.name)}`);
  }
  if (route === false) output.line(`  its routes do not have it: ${(token.claims.routes ?? []).join(", ") || "none"}`);
  for (const verdict of verdicts) output.line(`  ${verdictInWords(verdict, token)}`);
  return allowed;
}

function evaluated(asked: Asked, { manifest, items }: ReadTokens, flags: ExplainFlags): AuthorizationRequest {
  const { workspace, project } = flags;
  const target = { ...(workspace === undefined ? {} : { workspace }), ...(project === undefined ? {} : { project }) };
  switch (asked.kind) {
    case "secret": {
      const kind = items.find(({ name }) => name === asked.name)?.kind ?? "secret";
      const { repo, env } = manifest;
      const properties = { name: asked.name, kind };
      return { root: "secrets", operation: "read", workspace: repo, project: `${repo}/${env}`, properties };
    }
    case "request":
      return { root: "tunnels", operation: "connect", ...target, path: asked.path };
    case "create":
      return { root: "tunnels", operation: "create", ...target, properties: asked.properties };
    default:
      return asked satisfies never;
  }
}

function sentence(token: TokenSummary, asked: Asked, allowed: boolean): string {
  const may = allowed ? "may" : "may not";
  switch (asked.kind) {
    case "secret":
      return `${nameOf(token)} ${may} read ${JSON.stringify(asked.name)}`;
    case "request":
      return `${nameOf(token)} ${may} connect for ${asked.method} ${asked.path}`;
    case "create":
      return `${nameOf(token)} ${may} create this tunnel`;
    default:
      return asked satisfies never;
  }
}

const LAYERS: Readonly<Record<Verdict["layer"], string>> = {
  operations: "the known operations",
  settings: "the vault's settings",
  stored: "the token's claims",
  access: "the access token's claims",
};

function verdictInWords({ layer, allowed, grants, reason }: Verdict, { claims }: TokenSummary): string {
  const who = LAYERS[layer];
  if (!allowed) return `${who} deny it: ${reason ?? "they do not name it"}`;
  const named = grants.map((at) => `grants[${at}] ${JSON.stringify(claims.grants?.[at])}`);
  return `${who} allow it${named.length === 0 ? "" : `: ${named.join(", ")}`}`;
}
