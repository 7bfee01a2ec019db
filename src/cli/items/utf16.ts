import { InputError } from "../../errors.ts";

/**
 * PowerShell's `>` and some editors write UTF-16, which must not be taken for bytes that are no text. With no byte order mark it
 * shows by the zero bytes beside its first two characters.
 *
 * @param label of the file, or `the value of KEY`
 * @throws InputError the bytes are UTF-16, by all that their beginning says
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
