import { readFileSync, statSync } from "node:fs";
import { isIPv4 } from "node:net";
import { S3UnreachableError } from "../errors.ts";
import type { Network } from "../s3/wire/exchange.ts";

const PROXIES = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] as const;
const EXCEPTIONS = ["NO_PROXY", "no_proxy"] as const;

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The network settings of the environment: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in either case, and
 * `AWS_CA_BUNDLE` as AWS's own tools read it.
 *
 * @throws S3UnreachableError a variable cannot be followed; ignoring it could send requests where their owner does not
 * want them
 */
export function networkOf(variables: Variables): Network {
  const proxies: Record<string, string> = {};
  for (const name of proxyNames(variables)) if (variables[name]) proxies[name] = proxyUrl(name, variables[name]);
  for (const name of EXCEPTIONS) if (variables[name]) proxies[name] = exceptionsIn(variables[name]);
  const bundle = variables["AWS_CA_BUNDLE"];
  return bundle ? { proxies, authorities: certificatesIn(bundle) } : { proxies };
}

/** In a CGI program, `HTTP_PROXY` is the client's own `Proxy:` header (httpoxy, CVE-2016-5385). */
function proxyNames(variables: Variables): readonly string[] {
  return variables["REQUEST_METHOD"] === undefined ? PROXIES : PROXIES.filter((name) => name !== "HTTP_PROXY");
}

/**
 * Translates `NO_PROXY` as curl and Go read it for `http.Agent`, which does not support spaces, subdomains, CIDR or
 * brackets, and no IPv6 ranges at all.
 */
function exceptionsIn(list: string): string {
  return list
    .split(/[\s,]+/)
    .flatMap(exceptionsOf)
    .join(",");
}

function exceptionsOf(entry: string): string | string[] {
  const [, address = "", bits = ""] = /^([\d.]+)\/(\d{1,2})$/.exec(entry) ?? [];
  if (isIPv4(address) && Number(bits) <= 32) return addressRange(address, Number(bits));
  const name = entry.replace(/^\.|\.$/g, "").replace(/^\[([^\]]*)\]$/, "$1");
  return /^[^*:/]*[a-z][^*:/]*$/i.test(name) ? [name, `*.${name}`] : name;
}

function addressRange(address: string, bits: number): string {
  const size = 2 ** (32 - bits);
  const value = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = value - (value % size);
  return `${dotted(first)}-${dotted(first + size - 1)}`;
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

function proxyUrl(name: string, value: string): string {
  const url = value.includes("://") ? value : `http://${value}`;
  if (/^https?:\/\/[^/]/i.test(url) && URL.canParse(url)) return url;
  throw new S3UnreachableError(`${name} does not name an HTTP proxy`, {
    hint: `set ${name}=http://<host>:<port>, or unset it; vsync does not speak SOCKS`,
  });
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function certificatesIn(path: string): readonly string[] {
  const found = textIn(path).match(CERTIFICATE);
  if (found !== null && found.every(isCertificate)) return found;
  throw new S3UnreachableError(
    `AWS_CA_BUNDLE names ${path}, which ${found === null ? "has no certificate in PEM" : "has a certificate that cannot be read"}`,
    {
      hint: "name a file with -----BEGIN CERTIFICATE-----, or unset AWS_CA_BUNDLE",
    },
  );
}

/**
 * Whether this is one DER sequence (X.690 §8.1), whole, in base64. Parsing a system's 150 authorities as
 * `X509Certificate` would take as long as all else that an opening does; TLS parses them when it connects.
 */
function isCertificate(pem: string): boolean {
  const der = Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64");
  const lengthBytes = (der[1] ?? 0) - 0x80;
  if (der[0] !== 0x30 || lengthBytes < 1 || lengthBytes > 3 || der.length < 2 + lengthBytes) return false;
  return der.readUIntBE(2, lengthBytes) === der.length - 2 - lengthBytes;
}

function textIn(path: string): string {
  try {
    // Reading a named pipe would never end.
    if (statSync(path).isFIFO()) throw Object.assign(new Error(), { code: "a named pipe" });
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new S3UnreachableError(`AWS_CA_BUNDLE names ${path}, which cannot be read (${code})`, {
      hint: "correct the path, or unset AWS_CA_BUNDLE",
    });
  }
}
