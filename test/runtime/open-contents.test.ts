import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { decodeToken } from "../../src/blob/token.ts";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { proposeMove } from "../../src/vault/move.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { holding } from "../support/passphrases.ts";
import { ACTOR, seededRandom } from "../support/world.ts";
import { type DirectoryVault, directoryVault, environmentOf, open, temporaryFolder } from "./fixture.ts";

const LIVE = {
  repo: "api",
  env: "live",
  endpoint: "https://s3.example.com",
  bucket: "b",
  region: "r",
  prefix: "api/live/",
};

/** Moves the vault to a bucket, as `vsync move` does. */
async function move(vault: DirectoryVault): Promise<void> {
  const { endpoint, bucket, prefix } = decodeToken(vault.config);
  const from = { ...LIVE, env: "prod", endpoint, bucket, prefix };
  const store = openDirectoryStore({ endpoint, bucket, prefix });
  const toStore = new MemoryStore();
  using holder = holding(vault.passphrase);
  const ports = { store, clock: { nowMs: Date.now }, random: seededRandom("move") };
  const request = {
    holder,
    expect: { env: "prod" },
    annotation: { actor: ACTOR },
    from,
    to: LIVE,
    toStore,
    isCopy: false,
  };
  using proposal = await proposeMove(ports, request);
  await proposal.commit();
}

test.each([{}, { cached: true }])("warns at each start from a place that a vault has left: %j", async ({ cached }) => {
  const vault = await directoryVault();
  const cache = cached ? { cache: join(await temporaryFolder(), "cache"), maxAge: 60_000 } : {};
  const warn = vi.fn();
  const boot = () => open(vault, { env: environmentOf(vault), logger: { warn }, ...cache });
  await boot();
  expect(warn).not.toHaveBeenCalled();
  await move(vault);
  await boot();
  const to = "api/prod has moved to api/live at b/api/live/; this place gets no more changes";
  const hint = "give this app what `vsync runtime-token live` prints there";
  expect(warn.mock.calls).toEqual([[{ code: "VSYNC_MOVED", hint, ...LIVE }, `vsync: ${to}`]]);
});
