import { constants, inflateRawSync } from "node:zlib";

/** The pattern of one kind of secret, and the examples of it that the repository may contain. */
interface Kind {
  readonly what: string;
  readonly pattern: RegExp;
  readonly isAllowed?: (found: string) => boolean;
}

export interface FoundSecret {
  readonly what: string;
  readonly line: number;
}

const KINDS: readonly Kind[] = [
  {
    what: "an AWS access key id",
    pattern: /\b(?:AKIA|ASIA|AGPA|AROA|AIDA)[0-9A-Z]{16}\b/g,
    // the key in AWS's own documentation
    isAllowed: (found) => /^A[KS]IAIOSFODNN7EXAMPLE$/.test(found),
  },
  {
    what: "an AWS secret access key",
    pattern: /(?<=secret_?access_?key\\?["']?\s*[:=]\s*\\?["']?)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/gi,
    isAllowed: (found) => found === "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  },
  { what: "a private key", pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/g },
  { what: "an age key", pattern: /\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b/g },
  { what: "a GitHub token", pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{82})/g },
  { what: "an npm token", pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { what: "a Slack token", pattern: /\bxox[abeoprs]-[0-9A-Za-z-]{20,}/g },
  { what: "a Stripe key", pattern: /\b[rs]k_live_[0-9A-Za-z]{20,}/g },
  { what: "a Google API key", pattern: /\bAIza[0-9A-Za-z_-]{35}\b/g },
  {
    what: "a JSON Web Token",
    pattern: /\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}/g,
    // the access tokens of the vectors, which ended in March 2026, and statements of usage, which open nothing
    isAllowed: (found) =>
      /"(?:iat|exp)":1772|"usage":/.test(Buffer.from(found.split(".")[1] ?? "", "base64url").toString()),
  },
  // including truncated ones that are still readable
  { what: "a runtime token", pattern: /(?<=vsync-cfg-v1:)H4sI[\w-]{40,}/g, isAllowed: holdsNoKey },
];

/** The made-up access keys in the tokens of vectors and tests. */
const MADE_UP_KEYS = ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"];

function holdsNoKey(encoded: string): boolean {
  const text = inflatedStart(Buffer.from(encoded, "base64url"));
  const keys = Array.from(text.matchAll(/"accessKeyId"\s*:\s*"([^"]*)"/g), ([, key = ""]) => key);
  return keys.every((key) => MADE_UP_KEYS.includes(key));
}

/** Decodes as much as possible and ignores the checksum: some vectors are damaged on purpose. */
function inflatedStart(gzip: Uint8Array): string {
  const HEADER_BYTES = 10;
  try {
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2 ** 20 };
    return inflateRawSync(gzip.subarray(HEADER_BYTES), options).toString("latin1");
  } catch {
    return "";
  }
}

/** The lines that contain something like a secret other than the fixtures'. */
export function secretsIn(text: string): FoundSecret[] {
  const found = KINDS.flatMap(({ what, pattern, isAllowed = () => false }) =>
    Array.from(text.matchAll(pattern))
      .filter(([value]) => !isAllowed(value))
      .map(({ index }) => ({ what, line: text.slice(0, index).split("\n").length })),
  );
  return found.toSorted((a, b) => a.line - b.line);
}
