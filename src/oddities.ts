/** What a pattern finds in a value, in words that follow "what you gave". */
export type Oddity = readonly [pattern: RegExp, words: string];

/**
 * What people include by accident and often cannot see. Each match is removed before the next is looked for. A run at
 * the end has a look behind it: from each character of a run inside the text, the search would go on to the run's end.
 */
const ODDITIES: readonly Oddity[] = [
  [/\0/g, "has NUL characters, as text in UTF-16 has"],
  [/^\ufeff/, "begins with a BOM (byte order mark)"],
  [/(?<![\r\n])[\r\n]+$/, "ends in a line end"],
  [/\\[rn]$/, "ends in a backslash and a letter where a line end was meant"],
  [/^\s+|(?<!\s)\s+$/g, "begins or ends with white space"],
  [/^(?:export )?\w*(?:PASSPHRASE|CONFIG|TOKEN)\s*=\s*/i, "begins with a variable's name, as in a dotenv file"],
  [/^(["'`])(?=.*\1$)|^[\u2018\u201c\u201e\u00ab](?=.*[\u2019\u201c\u201d\u00bb]$)/s, "is in quotes"],
  [/^\$[({A-Za-z].*$/s, "is a variable or command that no shell has replaced"],
  [/[\r\n]/g, "has several lines"],
  [/[\u00a0\u00ad\u200b-\u200d\u2060\ufeff]/g, "has an invisible character or a non-breaking space"],
  [/[\u2013\u2014\u2018-\u201e]/g, "has typographic dashes or quotes"],
];

/**
 * Describes what looks odd about a secret, for a hint, and reveals nothing else about it. Null if nothing does.
 *
 * @param more what else is odd in a secret of this kind
 */
export function oddityOf(given: string, more: readonly Oddity[] = []): string | null {
  let text = given;
  const found = [...ODDITIES, ...more].flatMap(([pattern, words]) => {
    const before = text;
    text = text.replace(pattern, "");
    return text === before ? [] : [words];
  });
  if (text !== text.normalize("NFC")) found.push("is in another Unicode form than keyboards type (not NFC)");
  if (isBase64OfText(text)) found.push("looks like base64");
  return found.length === 0 ? null : `what you gave ${found.join(" and ")}`;
}

/** Base64 as in Kubernetes secrets. Only padding tells it from a passphrase of letters and digits. */
function isBase64OfText(text: string): boolean {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]{8,}={1,2}$/.test(text)) return false;
  return /^[\x20-\x7e]+\s*$/.test(atob(text));
}
