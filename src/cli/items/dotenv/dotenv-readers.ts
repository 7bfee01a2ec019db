/**
 * Predicts how common readers of dotenv files read a value that vsync writes: docs/decisions/0072. When in doubt, it
 * reports a misreading.
 */

export const READERS = ["sh", "node --env-file", "dotenv", "dotenv-expand", "python-dotenv", "Docker Compose"] as const;
export type Reader = (typeof READERS)[number];

/**
 * How a value is written: `plain` has only characters that are special to no reader, and `bare` is any other value
 * without quotes.
 */
export type Form = "plain" | "single" | "double" | "backtick" | "bare";

/** Whether a reader gets another value out of this form. It must never miss a misreading. */
const MISREADS: Readonly<Record<Reader, (value: string, form: Form) => boolean>> = {
  sh: (value, form) => (form === "double" ? /[$`\r]|\\["\\\n]/.test(value) : form === "backtick" || form === "bare"),
  // Does not know \r, and ends a bare value at any #.
  "node --env-file": (value, form) => value.includes("\r") || (form === "bare" && value.includes("#")),
  // Expands ${NAME} in every form, and does not know backticks.
  "python-dotenv": (value, form) =>
    form === "backtick" ||
    /\$\{[^}:]*(?::-[^}]*)?\}/.test(value) ||
    (form === "single" && value.includes("\\\\")) ||
    // A carriage return is written as \r, and a backslash before it would escape that backslash.
    (form === "double" && /\\[\\'"abfnrtv\r]/.test(value)),
  // In a bare value, # begins a comment even without a space before it.
  dotenv: isCutByDotenv,
  // Expands what dotenv has read, so no form protects a reference.
  "dotenv-expand": (value, form) => isCutByDotenv(value, form) || /\$[{A-Za-z_]|\\\$/.test(value),
  "Docker Compose": (value, form) =>
    form === "backtick" ||
    (form !== "single" && /\$[${A-Za-z_]/.test(value)) ||
    (form === "double" && /\\[abcfnrtv$"\\0\r]/.test(value)),
};

function isCutByDotenv(value: string, form: Form): boolean {
  return form === "bare" && value.includes("#");
}

/** The readers that would get another value. */
export function misreaders(value: string, form: Form): readonly Reader[] {
  return READERS.filter((reader) => form !== "plain" && MISREADS[reader](value, form));
}
