import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { S3UnreachableError } from "../errors.ts";
import type { Network } from "../s3/wire/exchange.ts";

const PROXIES = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] as const;
const EXCEPTIONS = ["NO_PROXY", "no_proxy"] as const;

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The way to the network that the environment describes: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, as curl reads them, and
 * `AWS_CA_BUNDLE`, as AWS's own tools read it.
 *
 * @throws S3UnreachableError a variable cannot be followed: to ignore it could send requests another way than its owner wants
 */
export function networkOf(variables: Variables): Network {
  const proxies: Record<string, string> = {};
  for (const name of PROXIES) if (variables[name]) proxies[name] = proxyUrl(name, variables[name]);
  for (const name of EXCEPTIONS) if (variables[name]) proxies[name] = variables[name];
  const bundle = variables["AWS_CA_BUNDLE"];
  return bundle ? { proxies, authorities: certificatesIn(bundle) } : { proxies };
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

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function textIn(path: string): string {
  try {
    // A named pipe would never end the read.
    if (statSync(path).isFIFO()) throw Object.assign(new Error(), { code: "a named pipe" });
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new S3UnreachableError(`AWS_CA_BUNDLE names ${path}, which cannot be read (${code})`, {
      hint: "correct the path, or unset AWS_CA_BUNDLE",
    });
  }
}
