import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { programUnderTest } from "../support/program/sandbox.ts";
import { openVaultHome } from "../support/program/vault-home.ts";

/** A separate session keyring, as each login has. Containers often refuse it. */
const session = ["session", "-", "sh", "-c"];
const isRefused = spawnSync("/usr/bin/keyctl", [...session, "exec /usr/bin/keyctl rlist @s"]).status !== 0;

const SCRIPT = `
  say() { echo "$1"; shift; "$@" 2>&1 | head -1; }
  vsync list prod >/dev/null 2>&1 && echo "opened without a passphrase"
  say unlock env VSYNC_PASSPHRASE="$PASSPHRASE" vsync unlock prod --for=1h | sed 's/ until .*//'
  say list vsync list prod
  say set sh -c 'printf 2 | vsync set prod B --from-file=-'
  say rotate env VSYNC_NEW_PASSPHRASE='another long passphrase' vsync rotate-passphrase prod --yes
  say tokens vsync tokens create prod --name=x
  say elsewhere sh -c 'cd "$HOME" && vsync list prod --repo=api'
  say lock vsync lock prod
  say list vsync list prod
  VSYNC_PASSPHRASE="$PASSPHRASE" vsync unlock prod 2>/dev/null
  VSYNC_PASSPHRASE="$PASSPHRASE" VSYNC_NEW_PASSPHRASE='another long passphrase' vsync rotate-passphrase prod --yes 2>/dev/null
  say rotated vsync list prod
  say forgotten vsync list prod
  VSYNC_PASSPHRASE='another long passphrase' vsync unlock prod --for=1s 2>/dev/null
  while keyctl rlist @s | grep -q . && keyctl pipe "$(keyctl rlist @s | head -1)" >/dev/null 2>&1; do sleep 0.2; done
  say over vsync list prod
`;

const MISSING = "vsync: error: missing the passphrase";

test.skipIf(isRefused)(
  "what unlock keeps opens the vault from its own folders, until lock, a rotation or its time",
  async () => {
    await using home = await openVaultHome();
    await home.push({ A: "1" });
    const vsync = programUnderTest().map((word) => `"${word}"`);
    await home.sandbox.write("bin/vsync", `#!/bin/sh\nexec ${vsync.join(" ")} "$@"\n`, 0o700);
    const { VSYNC_PASSPHRASE: passphrase, ...env } = home.env;
    const ran = spawnSync("/usr/bin/keyctl", [...session, SCRIPT], {
      cwd: home.sandbox.work,
      encoding: "utf8",
      env: {
        ...env,
        HOME: home.sandbox.home,
        PATH: `${home.sandbox.folder}/bin:${process.env["PATH"]}`,
        PASSPHRASE: passphrase,
        VSYNC_NO_INPUT: "1",
      },
    });
    const words = (text: string) => text.trim().split(/\n */);
    expect(words(ran.stdout)).toEqual(
      words(`unlock
        ✓ Unlocked api/prod
        list
        A
        set
        + B
        rotate
        vsync: error: missing the old passphrase
        tokens
        ${MISSING}
        elsewhere
        ${MISSING}
        lock
        ✓ Locked api/prod
        list
        ${MISSING}
        rotated
        vsync: error: the key that vsync unlock kept no longer opens api/prod
        forgotten
        ${MISSING}
        over
        ${MISSING}`),
    );
  },
  120_000,
);

const own = spawnSync("/usr/bin/keyctl", ["rdescribe", "@s"], { encoding: "utf8" }).stdout ?? "";

test.skipIf(own !== "" && !own.includes(";_uid"))(
  "without a keyring of its own it keeps nothing, and names the command",
  async () => {
    await using home = await openVaultHome();
    await home.push({ A: "1" });
    const { exitCode, stderr } = await home.run(["unlock", "prod"]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("VSYNC_PASSPHRASE_COMMAND")]);
  },
);
