// Decrypts a file with a passphrase, with the age-encryption package of the given folder: typage-process.mjs packages file
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [packages, file, mode] = process.argv.slice(2);
const { Decrypter, Encrypter } = await import(pathToFileURL(join(packages, "age-encryption/dist/index.js")).href);
if (mode === "encrypt") {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(process.env.PASSPHRASE);
  process.stdout.write(await encrypter.encrypt(readFileSync(file)));
} else {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(process.env.PASSPHRASE);
  process.stdout.write(await decrypter.decrypt(readFileSync(file)));
}
