/*
 * What other tools print for these values, by the rules in their sources (November 2026). The tests of the pages let them stand
 * in for the tools.
 */
export type Values = Readonly<Record<string, string>>;

const lines = (values: Values, write: (value: string) => string): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${write(value)}\n`)
    .join("");

/** `chamber export --format dotenv` (cmd/export.go). */
export const chamber = (values: Values): string =>
  lines(values, (value) => {
    const escaped = value
      .replace(/[\\"!$`]/g, "\\$&")
      .replaceAll("\n", "\\n")
      .replaceAll("\r", "\\r");
    return `"${escaped}"`;
  });

/** `doppler secrets download --format env` (pkg/utils, MapToEnvFormat). */
export const doppler = (values: Values): string => lines(values, (value) => `"${value.replace(/[\\"]/g, "\\$&")}"`);

/** `heroku config --shell` (src/lib/config/quote.ts); older releases double backslashes between single quotes. */
export const heroku = (values: Values, isOld = false): string =>
  lines(values, (value) => {
    if (!/["\s#!$&'()*,:;<=>?@[\\\]^`{|}]/.test(value)) return value;
    if (/['\n]/.test(value)) return `"${value.replace(/["\\$`!]/g, "\\$&").replaceAll("\n", "\\n")}"`;
    return `'${isOld ? value.replaceAll("\\", "\\\\") : value}'`;
  });

/** `vercel env pull` (escapeValue in its bundle, 64.0.2). */
export const vercel = (values: Values): string =>
  `# Created by Vercel CLI\n${lines(values, (value) => `"${value.replaceAll("\n", "\\n").replaceAll("\r", "\\r")}"`)}`;

/** `sops decrypt --output-type dotenv` (stores/dotenv/store.go). */
export const sops = (values: Values): string => lines(values, (value) => value.replaceAll("\n", "\\n"));

/** Not a tool's: a person's file for Docker Compose, whose reader (compose-go, dotenv/parser.go) takes these back. */
export const compose = (values: Values): string =>
  lines(values, (value) => `"${value.replace(/["\\]/g, "\\$&").replaceAll("$", () => "$$")}"`);

/** Values that a reader with other rules damages. */
export const HARMFUL = {
  DOLLARS: "pa$$w0rd!x`id`",
  QUOTES: `say "hi", it's #1 # one`,
  WINDOWS: String.raw`C:\temp\new\\x`,
  JSON: String.raw`{"k":"a\nb","q":"\""}`,
  PEM: "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
  SPACES: "  two  ",
  EMPTY: "",
  END: "back\\",
} as const;

const { WINDOWS: _windows, JSON: _json, ...lineEndsAlone } = HARMFUL;
/** Those that tools keep which write a line end and a literal `\n` alike. */
export const LINE_ENDS_ALONE: Values = lineEndsAlone;
