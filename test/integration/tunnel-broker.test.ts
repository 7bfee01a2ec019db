import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { decodeToken } from "../../src/blob/token.ts";
import { createClientCredentialsToken } from "../../src/tokens/index.ts";
import { openVaultHome } from "../support/program/vault-home.ts";

const BROKER = join(import.meta.dirname, "../../examples/tunnel-broker.mjs");
const AUDIENCE = "https://tunnels.example";

test("the example of a broker answers what an access token allows", async () => {
  await using home = await openVaultHome();
  await home.push({ DATABASE_URL: "postgres://db.internal/app" });
  const create = (...flags: string[]) => home.must("tokens", "create", "prod", ...flags, "--expires=never", "--json");
  const broker = JSON.parse((await create("--name=broker", "--no-secrets", "--permissions=api.tokens.verify")).stdout);
  const permissions = "--permissions=api.tokens.create,tunnels.tunnels.create-delete";
  const devices = JSON.parse((await create("--name=devices", "--no-secrets", permissions, "--split")).stdout);

  const env = { PATH: process.env["PATH"], HOME: home.sandbox.home, VSYNC_CONFIG: broker.result, PORT: "0" };
  const child = spawn(process.execPath, [BROKER], { env, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [url] = (await once(createInterface({ input: child.stdout }), "line")) as [string];

  const { vault } = decodeToken(broker.result);
  const filters = { protocol: "http", publish: true };
  const { token } = createClientCredentialsToken(
    { clientId: `${devices.tokenId}@${vault}`, clientSecret: devices.result },
    {
      expiresInSeconds: 60,
      audience: AUDIENCE,
      claims: { tunnelsGrants: [{ projects: ["project-id"], scopes: { tunnels: { create: { filters } } } }] },
    },
  );
  const ask = async (jwt: string, request: object): Promise<unknown> => {
    const headers = { authorization: `Bearer ${jwt}` };
    const response = await fetch(`${url}/authorize`, { method: "POST", headers, body: JSON.stringify(request) });
    return { status: response.status, ...((await response.json()) as object) };
  };
  const tunnel = { root: "tunnels", operation: "create", project: "project-id" };
  expect(await ask(token, { ...tunnel, properties: { protocol: "http" } })).toEqual({
    status: 200,
    allowed: true,
    properties: { publish: true },
  });
  expect(await ask(token, { ...tunnel, operation: "list" })).toMatchObject({
    status: 200,
    allowed: false,
    layer: "stored",
  });
  const forged = token.replace(/\.([^.])([^.]*)$/, (_, first, rest) => `.${first === "A" ? "B" : "A"}${rest}`);
  expect(await ask(forged, tunnel)).toEqual({ status: 401, reason: "bad_signature" });
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});
