import { withoutLineEnd } from "../../../disk/given-file.ts";
import { InputError } from "../../../errors.ts";

/** Whether shells and most other programs accept this as the name of a variable. */
export function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/**
 * PowerShell's `>` and some editors write UTF-16, which must not pass for binary data. Without a byte order mark, it is
 * recognised by zero bytes next to its first two characters.
 *
 * @param label the file's name, or `the value of KEY`
 * @throws InputError the bytes look like UTF-16
 */
export function refuseUtf16(bytes: Uint8Array, label: string): void {
  const [first = 0, second = 0, third = 0, fourth = 0] = bytes;
  const hasMark = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const isLittle = first * third > 0 && second + fourth === 0;
  const isBig = second * fourth > 0 && first + third === 0;
  if (bytes.length < 2 || !(hasMark || (bytes.length > 3 && (isLittle || isBig)))) return;
  throw new InputError(`${label} is UTF-16 text`, {
    hint: "save it as UTF-8 (PowerShell: Out-File -Encoding utf8; elsewhere: iconv -f UTF-16 -t UTF-8)",
  });
}

/** Files that are not a text of names and values, by how they begin; what to say about them, and what to do. */
const UNREADABLE: readonly (readonly [start: RegExp, what: string, hint: string])[] = [
  [/^\0GITCRYPT\0/, "is encrypted with git-crypt", "decrypt it with git-crypt unlock"],
  [/^(?:age-encryption\.org\/|-----BEGIN AGE )/, "is encrypted with age", "pipe in what age --decrypt prints"],
  [/^\$ANSIBLE_VAULT;/, "is encrypted with Ansible Vault", "pipe in what ansible-vault view prints"],
  [/^-----BEGIN PGP MESSAGE/, "is encrypted with PGP", "pipe in what gpg --decrypt prints"],
  [/^version https:\/\/git-lfs\./, "is a Git LFS pointer and not the file itself", "fetch the file with git lfs pull"],
];

/**
 * @throws InputError the bytes are UTF-16, or another program encrypted them
 */
export function refuseUnreadable(bytes: Uint8Array, label: string): void {
  refuseUtf16(bytes, label);
  const start = Buffer.from(bytes.subarray(0, 64)).toString("latin1");
  const found = UNREADABLE.find(([pattern]) => pattern.test(start));
  if (found !== undefined) throw new InputError(`${label} ${found[1]}`, { hint: found[2] });
}

/**
 * @throws InputError another tool has encrypted the value
 */
export function refuseCiphertext(name: string, text: string, place: string): void {
  const found = CIPHERTEXTS.find(([pattern]) => pattern.test(text));
  if (found === undefined) return;
  const [, tool, prints] = found;
  throw new InputError(`${place} has a value of ${name} that ${tool} encrypted`, {
    hint: `decrypt it first: pipe in what ${prints} prints, with --from=-`,
  });
}

const CIPHERTEXTS = [
  [/^ENC\[AES256_GCM,data:/, "sops", "sops decrypt <file>"],
  [/^encrypted:[A-Za-z0-9+/]{64,}={0,2}$/, "dotenvx", "dotenvx decrypt -f <file> --stdout"],
] as const;

/**
 * The value in a file that contains only this value. Editors add a byte order mark at the start and a line end at the
 * end, so these are not part of it.
 */
export function valueIn(bytes: Uint8Array): Uint8Array {
  return withoutLineEnd(startsWithMark(bytes) ? bytes.subarray(3) : bytes);
}

/** Looks for the byte order mark of UTF-8. */
function startsWithMark([first, second, third]: Uint8Array): boolean {
  return first === 0xef && second === 0xbb && third === 0xbf;
}
