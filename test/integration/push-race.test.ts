import { expect, test } from "vitest";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { verifyAudit } from "../../src/vault/audit/chain.ts";
import { openVault } from "../../src/vault/open/open.ts";
import { holding } from "../support/passphrases.ts";
import { openVaultHome, PASSPHRASE, type VaultHome } from "../support/program/vault-home.ts";

const PUSHERS = 8;

async function openedVault(home: VaultHome) {
  const endpoint = `file://${home.sandbox.home}/.local/share/vsync`;
  const store = openDirectoryStore({ endpoint, bucket: "vaults", prefix: "api/prod/" });
  const request = { holder: holding(PASSPHRASE), expect: { env: "prod" } };
  return { store, vault: await openVault({ store, clock: { nowMs: () => Date.now() } }, request) };
}

test("8 processes make the first push at once: every loser reports a conflict, nothing is lost, generations have no gaps", async () => {
  await using home = await openVaultHome();
  const pushes = await Promise.all(
    Array.from({ length: PUSHERS }, (_, pusher) => home.push({ PUSHER: String(pusher) })),
  );
  const winners = pushes.filter(({ exitCode }) => exitCode === 0);
  const losers = pushes.filter(({ exitCode }) => exitCode !== 0);
  expect(winners.length).toBeGreaterThanOrEqual(1);
  for (const { exitCode, stdout, stderr } of losers) {
    expect({ exitCode, stdout }).toEqual({ exitCode: 5, stdout: "" });
    expect(stderr).toMatch(
      /vsync: error: another writer committed generation \d+ first(; stale object at v=\S+ is harmless|$)/m,
    );
  }
  const { store, vault } = await openedVault(home);
  expect(vault.manifest.gen).toBe(winners.length);
  const audit = await verifyAudit(store, vault.manifest);
  expect(audit.outstanding).toBeNull();
  expect(audit.rows.map((row) => row.gen)).toEqual(
    Array.from({ length: vault.manifest.gen }, (_, at) => vault.manifest.gen - at),
  );
  const pusher = vault.bundle.items.find((item) => item.name === "PUSHER")?.data.exposeText();
  expect(pushes[Number(pusher)]?.exitCode).toBe(0);
});
