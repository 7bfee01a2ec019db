/**
 * What `require("vsync/register")` and `node --require vsync/register` lead to: a vault takes requests and a key
 * derivation to open, and nothing that is required can wait for them.
 */
process.stderr.write("vsync: error: vsync/register cannot be required: it waits until the vault is open\n");
process.stderr.write(
  "vsync: hint: start the app with `node --import vsync/register`, which works for CommonJS apps, too\n",
);
process.exit(1);
