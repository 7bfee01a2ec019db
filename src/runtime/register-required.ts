/**
 * What `require("vsync/register")` and `node --require vsync/register` get. Opening a vault takes requests and a key
 * derivation, and a required module cannot wait for them.
 */
process.stderr.write("vsync: error: vsync/register cannot be required: it has to wait for the vault\n");
process.stderr.write(
  "vsync: hint: start the app with `node --import vsync/register`, which works for CommonJS apps, too\n",
);
process.exit(1);
