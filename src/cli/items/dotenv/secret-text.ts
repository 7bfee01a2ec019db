import { withoutLineEnd } from "../../../disk/given-file.ts";
import { InputError } from "../../../errors.ts";

/** Whether shells and most other programs accept this as the name of a variable. */
export function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/**
 * PowerShell's `>` and some editors write UTF-16, which must not pass for binary data. Without a byte order mark it is
 * recognised by the zero bytes beside its first two characters.
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

/**
 * The value in a file that holds nothing else. A byte order mark at the start and one line end at the end belong to the
 * file: editors add both.
 */
export function valueIn(bytes: Uint8Array): Uint8Array {
  return withoutLineEnd(startsWithMark(bytes) ? bytes.subarray(3) : bytes);
}

/** Of UTF-8. */
export function startsWithMark([first, second, third]: Uint8Array): boolean {
  return first === 0xef && second === 0xbb && third === 0xbf;
}
