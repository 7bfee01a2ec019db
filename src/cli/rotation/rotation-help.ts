/** The long help of `rotate-passphrase`. */
export const ROTATION_HELP = `Decrypts the vault in memory with the old passphrase, re-encrypts it under the new one with fresh keys, writes that as a
new object, and swaps the manifest in one conditional write. Wherever it is interrupted, the vault opens exactly as before
or exactly as after. Runtime tokens stay valid.

With --grace the old passphrase keeps reading for that long (it writes no more), so that apps restart whenever they
like; --finish ends that at once. After a leak give no --grace: the old passphrase must stop opening the vault now.
Either way, whoever had it may have read the values: replace those as well, and remove the old bundles with gc.

Unattended: the old passphrase from VSYNC_PASSPHRASE(_FILE) or --old-passphrase-file, the new one from
VSYNC_NEW_PASSPHRASE(_FILE), --new-passphrase-file or --generate, and --yes. With --generate --out the new passphrase is
on disk before the vault is touched. The file counts once this command has ended with 0 or 4; it is removed if the rotation
is known to have failed, and kept if the outcome is unknown. A run that was interrupted is safe to repeat.`;

export const ROTATION_EXAMPLES = [
  "<%= config.bin %> rotate-passphrase --env=prod --grace=24h",
  "<%= config.bin %> rotate-passphrase --env=prod --finish",
  "<%= config.bin %> rotate-passphrase --env=prod --generate --out=/run/vsync/new --grace=24h --yes --meta ticket=OPS-7",
  "<%= config.bin %> rotate-passphrase --env=prod --generate --yes | wrangler secret put VSYNC_PASSPHRASE",
];
