import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { runModule } from "../runtime/program.ts";

const DIST = join(import.meta.dirname, "../../dist");
const ENTRY = join(DIST, "library/tokens.js");

/** An app that only checks tokens loads nothing of a vault. re2js alone is 230 kB. */
const MOST_BYTES = 450_000;

/**
 * The files that a bundle leads to, and the packages and Node.js modules that they import, including dynamic imports.
 */
function graphOf(entry: string): { files: ReadonlySet<string>; packages: ReadonlySet<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const add = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(/\b(?:from|import)[ (]"([^"]+)"/g)) {
      if (specifier.startsWith(".")) add(join(dirname(file), specifier));
      else packages.add(specifier);
    }
  };
  add(entry);
  return { files, packages };
}

describe("vsync/tokens", () => {
  test("leads to no AWS SDK, no Argon2id and no module of Node.js", () => {
    const { files, packages } = graphOf(ENTRY);
    expect([...packages]).toEqual([]);
    const sizes = [...files].map((file) => statSync(file).size);
    expect(sizes.length).toBeGreaterThan(5);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(MOST_BYTES);
  });

  test("mints, verifies and authorizes without Buffer and process, as in a browser", async () => {
    const program = `
      const { log } = console;
      delete globalThis.Buffer;
      delete globalThis.process;
      const { createClientCredentialsToken, createTokenVerifier } = await import(${JSON.stringify(ENTRY)});
      const { parseCredential, credentialOf, encodeCredential, deriveCredentialKeys } = await import(
        ${JSON.stringify(join(DIST, "tokens/credential.js"))});
      const { Secret } = await import(${JSON.stringify(join(DIST, "crypto/secret.js"))});
      const secret = encodeCredential(credentialOf("test", Secret.ofBytes(new Uint8Array(32).fill(7)))).exposeText();
      const { id, recipient, signing } = await deriveCredentialKeys(parseCredential(secret));
      const b64 = (bytes) => btoa(String.fromCharCode(...bytes));
      const stored = { id, kind: "test", recipient: b64(recipient), signing: b64(signing), capabilities: [] };
      const vault = { readVerify: async () => ({ vault: "v", gen: 1, verify: { tokens: [stored] }, ended: [] }) };
      const grants = [{ scopes: { tunnels: { connect: { params: { path: { regex: "^/api(/|$)" } } } } } }];
      const options = { expiresInSeconds: 60, claims: { grants } };
      const { token } = createClientCredentialsToken({ clientId: id + "@v", clientSecret: secret }, options);
      const authority = await createTokenVerifier({ vault }).verify(token);
      const connect = (path) => authority.authorize({ root: "tunnels", operation: "connect", path }).allowed;
      log(connect("/api/x"), connect("/admin"));
    `;
    const { stdout, stderr, status } = await runModule(program, {});
    expect({ stdout, stderr, status }).toEqual({ stdout: "true false\n", stderr: "", status: 0 });
  });
});
