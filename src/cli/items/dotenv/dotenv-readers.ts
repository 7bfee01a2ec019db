/*
 * What common readers of dotenv files make of a value that vsync reads: docs/decisions/0072. Where in doubt, a reader is named.
 */

export const READERS = ["sh", "node --env-file", "dotenv", "dotenv-expand", "python-dotenv", "Docker Compose"] as const;
export type Reader = (typeof READERS)[number];

/** How a value stands in the file; `plain` has no character that any reader notices, `bare` has no quotes either. */
export type Form = "plain" | "single" | "double" | "backtick" | "bare";

/** Whether a reader takes another value for this one, written in this form. Never false where it does. */
const MISREADS: Readonly<Record<Reader, (value: string, form: Form) => boolean>> = {
  sh: (value, form) => (form === "double" ? /[$`\r]|\\["\\\n]/.test(value) : form === "backtick" || form === "bare"),
  // Knows no \r, and in a bare value ends at any #.
  "node --env-file": (value, form) => value.includes("\r") || (form === "bare" && value.includes("#")),
  // Expands ${NAME} in every form, and knows no backticks.
  "python-dotenv": (value, form) =>
    form === "backtick" ||
    /\$\{[^}:]*(?::-[^}]*)?\}/.test(value) ||
    (form === "single" && value.includes("\\\\")) ||
    // A carriage return is written as \r, and a backslash before it would take its own.
    (form === "double" && /\\[\\'"abfnrtv\r]/.test(value)),
  // In a bare value a # begins a comment, also without a space before it.
  dotenv: isCutByDotenv,
  // Works on what dotenv has read, so no form keeps a reference.
  "dotenv-expand": (value, form) => isCutByDotenv(value, form) || /\$[{A-Za-z_]|\\\$/.test(value),
  "Docker Compose": (value, form) =>
    form === "backtick" ||
    (form !== "single" && /\$[${A-Za-z_]/.test(value)) ||
    (form === "double" && /\\[abcfnrtv$"\\0\r]/.test(value)),
};

function isCutByDotenv(value: string, form: Form): boolean {
  return form === "bare" && value.includes("#");
}

/** The readers that would take another value for it. */
export function misreaders(value: string, form: Form): readonly Reader[] {
  return READERS.filter((reader) => form !== "plain" && MISREADS[reader](value, form));
}
