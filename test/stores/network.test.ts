import { Agent, createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
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
