// This app boots from its vault. It needs a scoped token in VSYNC_CONFIG (or a runtime token there, and VSYNC_PASSPHRASE),
// but no file with secrets. If you start it with `vsync run -- node app.mjs`, it finds the secrets in its environment.
import { Vsync, VsyncError } from "vsync";

async function openVault() {
  const vault = await Vsync.open();
  console.log("opened", vault);
  for (const name of vault.keys()) console.log(`  ${name.padEnd(16)} ********  from the ${vault.source(name)}`);
  for (const name of vault.files()) console.log(`  ${name.padEnd(16)} a file of ${vault.bytes(name)?.length} bytes`);
  return vault;
}

function start(databaseUrl) {
  const url = new URL(databaseUrl);
  console.log(`ready: DATABASE_URL is there and names the host ${url.hostname}`);
}

try {
  const { DATABASE_URL, VSYNC_CONFIG, VSYNC_CONFIG_FILE } = process.env;
  if (DATABASE_URL && !VSYNC_CONFIG && !VSYNC_CONFIG_FILE) {
    console.log("found the secrets in the environment");
    start(DATABASE_URL);
  } else {
    const vault = await openVault();
    start(vault.require("DATABASE_URL"));
    await vault.close();
  }
} catch (error) {
  if (!(error instanceof VsyncError)) throw error;
  console.error(`cannot boot: ${error.message} (${error.code})`);
  console.error(`what to do: ${error.hint}`);
  process.exitCode = 1;
}
