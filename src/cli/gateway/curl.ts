import { InputError } from "../../errors.ts";
import { readGivenInput } from "../inputs/given-input.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { openSession, type SessionInput } from "../session/session.ts";
import { printable } from "../terminal/printable.ts";
import { operatorGateway } from "./operator-gateway.ts";

export interface SignInput extends SessionInput {
  readonly flags: SessionInput["flags"] & {
    readonly request: string;
    readonly to: string;
    readonly header?: readonly string[] | undefined;
    readonly data?: string | undefined;
  };
}

const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** Prints a request as a curl command. An origin accepts it once, within the backend's `maxAgeSeconds`. */
export async function signAsCurl(input: SignInput, sources: SecretSources): Promise<void> {
  const { flags } = input;
  const [method = "", target = "", ...rest] = flags.request.split(" ");
  if (rest.length > 0 || target === "") {
    throw new InputError("--request must be a method and a target", { hint: "as in --request='GET /v1/jobs'" });
  }
  const server = serverOf(flags.to);
  const headers = headersOf(flags.header ?? []);
  const body = flags.data === undefined ? null : await bodyOf(flags.data, sources);
  using session = await openSession(input, sources, { use: "names" });
  const { gateway } = await operatorGateway(session);
  const signed = await gateway.sign({ method, target, headers, body }).catch((error: Error) => {
    throw new InputError(`the gateway refuses this request: ${error.message}`, {
      hint: "`vsync settings --show` has the routes",
    });
  });
  const said = Object.entries(signed.headers).flatMap(([name, value]) =>
    [value].flat().map((it) => (it === "" ? `${name};` : `${name}: ${it}`)),
  );
  const words = ["curl", "--path-as-is", "--globoff", "-i", "-X", method];
  if (method === "HEAD") words.splice(4, 2, "-I");
  for (const header of said) words.push("-H", header);
  // Otherwise curl would add a content-type that is not signed.
  if (flags.data !== undefined && signed.headers["content-type"] === undefined) words.push("-H", "content-type:");
  const piped = pipedBody(flags.data);
  if (flags.data !== undefined) words.push("--data-binary", piped === "" ? flags.data : "@-");
  sources.output.line(piped + [...words, `${server}${signed.target}`].map(quoted).join(" "));
  sources.output.say(
    `for the backend ${signed.backend}, ${signed.routeId === "" ? "no route" : `route ${signed.routeId}`}; usable once`,
  );
}

/**
 * @throws InputError the URL has a path, which would precede the signed one
 */
function serverOf(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  throw new InputError("--to must be the URL of a server, without a path", {
    hint: "as in --to=http://localhost:3000",
  });
}

/**
 * A command that pipes the body to curl, if it has line ends or other characters that a command line cannot show; else
 * empty.
 */
function pipedBody(data = ""): string {
  if (data.startsWith("@") || printable(data) === data) return "";
  const octal = Array.from(Buffer.from(data), (byte) => {
    const isPlain = byte >= 0x20 && byte < 0x7f && !`'\\%`.includes(String.fromCharCode(byte));
    return isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`;
  });
  return `printf '${octal.join("")}' | `;
}

function headersOf(given: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const text of given) {
    const [, name, value = ""] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/.exec(text) ?? [];
    if (name === undefined || printable(value) !== value)
      throw new InputError("--header must be a name and a value", { hint: "as in --header='accept: text/html'" });
    headers[name.toLowerCase()] = [...(headers[name.toLowerCase()] ?? []), value];
  }
  return headers;
}

/** The body in curl's form: text, or @ and a file. */
async function bodyOf(given: string, sources: SecretSources): Promise<Uint8Array> {
  if (!given.startsWith("@")) return Buffer.from(given);
  const file = { path: given.slice(1), flag: "--data", hint: "as in --data=@body.json" };
  return readGivenInput(file, MAX_BODY_BYTES, sources);
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
