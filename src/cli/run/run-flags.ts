import { Flags } from "../command/flags.ts";
import { SELECTION_FLAGS } from "../items/selection.ts";

/** What `run` takes beside the vault's name. */
export const RUN_FLAGS = {
  ...SELECTION_FLAGS,
  prefix: Flags.string({ description: "put this before every name: PORT becomes APP_PORT", helpValue: "<APP_>" }),
  redact: Flags.boolean({ description: "print [KEY] wherever the program prints the value of KEY" }),
};

export const RUN_HELP = `The vault is that of the named env, or, where none is named, of VSYNC_CONFIG. The program gets stdin, signals and the
terminal as if it had been started without vsync, and its exit code comes back. It is not started when the vault
does not open. Secrets win over variables of the same name; VSYNC_CONFIG and VSYNC_PASSPHRASE are not handed on.

With --prefix every name of the vault begins with it in the program's environment; one that is set there already is an
error. --only and --except take the names in the vault, without it.

With --redact the program's stdout and stderr are pipes, no terminal, and every secret of the vault is masked in them, as
it is, in base64, percent-encoded and escaped as in JSON. Values shorter than 4 bytes are not; other encodings pass.`;

export const RUN_EXAMPLES = [
  "<%= config.bin %> run prod -- node server.js",
  "<%= config.bin %> run prod --only DATABASE_URL,PGPASSWORD -- psql",
  "<%= config.bin %> run prod --prefix=APP_ --redact -- ./migrate.sh",
  "VSYNC_CONFIG=… VSYNC_PASSPHRASE=… <%= config.bin %> run -- python3 app.py",
];
