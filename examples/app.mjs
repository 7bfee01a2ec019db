// An app that boots from its vault. It needs two variables, VSYNC_CONFIG and VSYNC_PASSPHRASE, and no file with secrets.
import { Vsync, VsyncError } from "vsync";

try {
  const vault = await Vsync.open();
  console.log("opened", vault);
  for (const name of vault.keys()) console.log(`  ${name.padEnd(16)} ********  from the ${vault.source(name)}`);
  for (const name of vault.files()) console.log(`  ${name.padEnd(16)} a file of ${vault.bytes(name)?.length} bytes`);

  const url = new URL(vault.require("DATABASE_URL"));
  console.log(`ready: DATABASE_URL is there and names the host ${url.hostname}`);
  await vault.close();
} catch (error) {
  if (!(error instanceof VsyncError)) throw error;
  console.error(`cannot boot: ${error.message} (${error.code})`);
  console.error(`what to do: ${error.hint}`);
  process.exitCode = 1;
}
