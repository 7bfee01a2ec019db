import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { networkOf } from "../../src/stores/network.ts";

let asked = 0;
const proxy = createServer((_, answer) => {
  asked += 1;
  answer.end();
});
beforeAll(() => new Promise<void>((resolve) => void proxy.listen(0, "127.0.0.1", resolve)));
afterAll(() => void proxy.close());

/** Whether a request to a port where nothing listens goes to the proxy. */
async function asksProxy(host: string, exceptions: string): Promise<boolean> {
  const before = asked;
  const { port } = proxy.address() as AddressInfo;
  const { proxies } = networkOf({ http_proxy: `http://127.0.0.1:${port}`, NO_PROXY: exceptions });
  await new Promise((resolve) => {
    get(`http://${host}:1/`, { agent: new Agent({ proxyEnv: proxies }) }, resolve).on("error", resolve);
  });
  return asked > before;
}

test.each([
  ["127.0.0.1", "10.0.0.0/8, 127.0.0.0/8"],
  ["127.0.0.1", "10.0.0.0/8 127.0.0.1"],
  ["127.0.0.1", "127.0.0.1/32"],
  ["127.0.0.1", "0.0.0.0/0"],
  ["127.0.0.1", "127.0.0.1:1"],
  ["[::1]", "[::1]"],
  ["s3.corp.invalid", "corp.invalid"],
  ["s3.corp.invalid", ".CORP.invalid"],
  ["s3.corp.invalid", "*.corp.invalid"],
  ["corp.invalid", ".corp.invalid."],
  ["s3.corp.invalid", "s3.corp.invalid:1"],
  ["s3.corp.invalid", "*"],
])("%s goes directly with NO_PROXY=%s", async (host, exceptions) => {
  expect(await asksProxy(host, exceptions)).toBe(false);
});

test.each([
  ["127.0.0.1", "127.0.1.0/24"],
  ["127.0.0.1", "127.0.0.0/33"],
  ["127.0.0.1", "127.0.0.1:2"],
  ["127.0.0.1", ",/"],
  ["[::1]", "[::2]"],
  ["[::1]", "::/64"],
  ["s3.corp.invalid", "rp.invalid"],
  ["s3.corp.invalid", "s3.corp"],
])("%s goes through the proxy with NO_PROXY=%s", async (host, exceptions) => {
  expect(await asksProxy(host, exceptions)).toBe(true);
});

test("HTTP_PROXY counts, but not in a CGI program, where the client chose it", () => {
  const [upper, lower] = [{ HTTP_PROXY: "http://one:1" }, { http_proxy: "http://two:2" }];
  expect(networkOf({ ...upper, ...lower }).proxies).toEqual({ ...upper, ...lower });
  expect(networkOf({ ...upper, ...lower, REQUEST_METHOD: "GET" }).proxies).toEqual(lower);
});

describe("AWS_CA_BUNDLE", () => {
  const folder = mkdtempSync(join(tmpdir(), "vsync-authorities-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  const pem = (der: Buffer): string =>
    `-----BEGIN CERTIFICATE-----\n${der.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----`;
  const sequence = (bytes: number, ...length: number[]) => pem(Buffer.from([0x30, ...length, ...Buffer.alloc(bytes)]));
  const authoritiesIn = (content: string) => {
    const path = join(folder, "ca.pem");
    writeFileSync(path, content);
    return networkOf({ AWS_CA_BUNDLE: path }).authorities;
  };

  test("every authority of Node.js is taken as it is, with comments between them", () => {
    expect(authoritiesIn(rootCertificates.join("\n\n# the next one\n"))).toEqual(rootCertificates);
  });

  test.each([
    ["200 bytes, as with Ed25519", sequence(200, 0x81, 200)],
    ["70 000 bytes", sequence(70_000, 0x83, 0x01, 0x11, 0x70)],
  ])("one of %s is taken", (_, certificate) => {
    expect(authoritiesIn(certificate)).toEqual([certificate]);
  });

  test.each([
    ["is not a sequence", pem(Buffer.from([0x31, 0x81, 200, ...Buffer.alloc(200)]))],
    ["lacks its last byte", sequence(199, 0x81, 200)],
    ["has a byte too many", sequence(201, 0x81, 200)],
    ["is empty", pem(Buffer.alloc(0))],
    ["ends within its length", pem(Buffer.from([0x30, 0x82, 0x01]))],
    ["has a short length", sequence(5, 5)],
    ["has a length of four bytes", sequence(200, 0x84, 0, 0, 0, 200)],
    ["is not base64", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----"],
  ])("a file in which a certificate %s is refused", (_, certificate) => {
    expect(() => authoritiesIn(`${rootCertificates[0]}\n${certificate}`)).toThrow(
      /^AWS_CA_BUNDLE names .*ca\.pem, which has a certificate that cannot be read$/,
    );
  });

  test("a file without one is refused", () => {
    expect(() => authoritiesIn("-----BEGIN PUBLIC KEY-----")).toThrow(/, which has no certificate in PEM$/);
  });
});
