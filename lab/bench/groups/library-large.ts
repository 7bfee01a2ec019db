import { encodeToken } from "../../../src/blob/token.ts";
import { openDirectoryStore } from "../../../src/directory/directory-store.ts";
import { createDirectoryRoot } from "../../../src/directory/folders.ts";
import { createVault, PASSPHRASE } from "../../../test/support/vault-fixture.ts";
import { CONTROL } from "../interleave.ts";
import { LARGE_OPEN } from "../labels.ts";
import { Library, type LibraryCandidate } from "../library.ts";
import type { Row } from "../results.ts";
import { secretsOf } from "../s3-vault.ts";
import type { World } from "../world.ts";

/** `Vsync.open()` of many secrets in a directory, at the lowest KDF cost, beside one derivation at that cost. */
export async function measureLibraryLarge({ scale, scratch }: World): Promise<readonly Row[]> {
  await using library = new Library();
  const derive = { do: "derive", cost: "least" } as const;
  const control = { head: { group: LARGE_OPEN, name: "derive", program: CONTROL }, job: () => derive };
  const candidates: LibraryCandidate[] = [control];
  for (const secrets of scale.secrets) {
    const location = { endpoint: `file://${scratch}`, bucket: `large-${secrets}`, prefix: "api/prod/" };
    await createDirectoryRoot(location);
    const { tokenFields } = await createVault(openDirectoryStore(location), { items: secretsOf(secrets) });
    const token = encodeToken({ ...location, ...tokenFields, region: "local", credentials: "ambient" });
    const job = { do: "open", token, passphrase: PASSPHRASE } as const;
    candidates.push({ head: { group: LARGE_OPEN, name: "open", program: "library", secrets }, job: () => job });
  }
  return await library.interleave(candidates, scale.openRounds);
}
