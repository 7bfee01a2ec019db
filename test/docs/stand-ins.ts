import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { HARMFUL, LINE_ENDS_ALONE, vercel } from "../support/writers.ts";
import { ROOT } from "./page.ts";

/**
 * Stand-ins for tools that the pages call and that cannot work here. A stand-in knows the shapes of the command lines on the
 * pages, keeps what the real tool would keep, and refuses everything else. The shapes come from the makers' documentation,
 * as linked from the pages, in November 2026.
 */
export interface Shape {
  readonly args: RegExp;
  /** The values that the platform holds afterwards, by variable. */
  readonly keeps?: (call: Call) => Readonly<Record<string, string>>;
  readonly prints?: (call: Call) => string;
}

export interface Call {
  readonly args: readonly string[];
  readonly stdin: () => string;
  /** The part of the line that the group captures. */
  readonly group: (name: string) => string;
}

export const fileText = (path: string): string => readFileSync(path === "/dev/stdin" ? 0 : path, "utf8");

/** The variable behind a platform's name for a secret. */
function variableOf(name: string): string {
  if (/config/i.test(name)) return "VSYNC_CONFIG";
  if (/passphrase/i.test(name)) return "VSYNC_PASSPHRASE";
  throw new Error(`${name} is neither of the two`);
}

const keepsStdin = ({ group, stdin }: Call): Record<string, string> => ({ [variableOf(group("name"))]: stdin() });
const keepsFile = ({ group }: Call): Record<string, string> => ({
  [variableOf(group("name"))]: fileText(group("file")),
});

function keepsMounted({ group }: Call): Record<string, string> {
  for (const name of ["config", "passphrase"]) {
    const mode = statSync(`${group("host")}/${name}`).mode & 0o777;
    if ((mode & 0o077) !== 0) throw new Error(`${name} has mode ${mode.toString(8)}`);
  }
  return { VSYNC_CONFIG_FILE: `${group("host")}/config`, VSYNC_PASSPHRASE_FILE: `${group("host")}/passphrase` };
}

/** Secrets mounted as files. */
function keepsFiles({ args }: Call): Record<string, string> {
  const files = args.flatMap((arg) => Array.from(arg.matchAll(/^--from-file=(?<name>\w+)=(?<file>.+)$/g)));
  const kept = files.map(({ groups = {} }) => [
    `${variableOf(groups["name"] ?? "")}_FILE`,
    resolve(groups["file"] ?? ""),
  ]);
  return Object.fromEntries(kept) as Record<string, string>;
}

const keepsLines = ({ stdin }: Call): Record<string, string> =>
  Object.fromEntries(
    stdin()
      .split("\n")
      .filter((line) => line.includes("="))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );

/** The key that `aws iam create-access-key` makes; the scene's S3 server knows it as read-only. */
export const NEW_KEY = { AccessKeyId: "AKIDOFREADER", SecretAccessKey: "secret/of+reader" } as const;

/** Printed by the tools that an app moves away from. */
const MOVED = { DATABASE_URL: "postgres://moved", ...HARMFUL };
const asJson = (): string => `${JSON.stringify(MOVED)}\n`;

const SECRET = `apiVersion: v1
kind: Secret
metadata:
  name: api
data:
${Object.entries(MOVED)
  .map(([name, value]) => `  ${name}: ${btoa(value) || '""'}\n`)
  .join("")}`;

const fieldOfFile = ({ group }: Call): string => fieldOf(fileText(group("file")), group("path"));

function fieldOf(text: string, path: string): string {
  const names = path.split(".").slice(1);
  const value = names.reduce((part, name) => part[name], JSON.parse(text));
  return `${String(value)}\n`;
}

function scriptThere({ group }: Call): string {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object };
  if (!(group("script") in scripts)) throw new Error(`package.json has no script ${group("script")}`);
  return "";
}

function rowsIn(text: string): string {
  const { rows } = JSON.parse(text) as { rows: unknown[] };
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

export const STAND_INS: Readonly<Record<string, readonly Shape[]>> = {
  vercel: [
    {
      args: /^env pull (?<file>\S+) --environment=production$/,
      prints({ group }) {
        writeFileSync(group("file"), vercel(LINE_ENDS_ALONE));
        return "";
      },
    },
    { args: /^env (add|update) (?<name>VSYNC_\w+) production( --sensitive)?( --yes)?$/, keeps: keepsStdin },
  ],
  aws: [
    {
      args: /^secretsmanager (create-secret --name|put-secret-value --secret-id) (?<name>\S+) --secret-string file:\/\/(?<file>\S+)$/,
      keeps: keepsFile,
    },
    { args: /^ecs update-service --cluster \S+ --service \S+ --force-new-deployment$/ },
    { args: /^s3 (sync|cp) s3:\/\/\S+ \S+( --exclude \S+)*$/ },
    { args: /^s3api put-bucket-versioning --bucket \S+ --versioning-configuration Status=Enabled$/ },
    { args: /^s3api put-bucket-lifecycle-configuration --bucket \S+ --lifecycle-configuration file:\/\/\S+$/ },
    { args: /^s3api list-object-versions --bucket \S+ --prefix \S+$/, prints: () => '{"Versions":[]}\n' },
    { args: /^s3api copy-object --bucket \S+ --key (?<key>\S+) --copy-source \S+\/\k<key>\?versionId=\S+$/ },
    { args: /^iam create-access-key --user-name \S+$/, prints: () => JSON.stringify({ AccessKey: NEW_KEY }) },
    { args: /^iam update-access-key --user-name \S+ --access-key-id \S+ --status Inactive$/ },
    { args: /^iam delete-access-key --user-name \S+ --access-key-id \S+$/ },
    { args: /^iam put-user-policy --user-name \S+ --policy-name \S+ --policy-document file:\/\/(?<file>\S+)$/ },
  ],
  gcloud: [
    { args: /^secrets (create|versions add) (?<name>\S+) --data-file=-$/, keeps: keepsStdin },
    { args: /^run services update \S+ --update-secrets=VSYNC_CONFIG=[\w-]+:\w+,VSYNC_PASSPHRASE=[\w-]+:\w+$/ },
  ],
  az: [
    {
      args: /^keyvault secret set --vault-name \S+ --name (?<name>\S+) --file (?<file>\S+) --output none$/,
      keeps: keepsFile,
    },
    {
      args: /^webapp config appsettings set --resource-group \S+ --name \S+ --settings( VSYNC_\w+=@Microsoft\.KeyVault\(SecretUri=https:\/\/[\w.-]+\/secrets\/[\w-]+\/\))+ --output none$/,
    },
    { args: /^webapp restart --resource-group \S+ --name \S+$/ },
  ],
  kubectl: [
    {
      args: /^create secret generic \S+( --from-file=(config|passphrase)=\S+)+( --dry-run=client --output=yaml)?$/,
      keeps: keepsFiles,
      prints: () => "kind: Secret\n",
    },
    { args: /^apply -f \S+$/ },
    { args: /^get secret \S+ -o yaml$/, prints: () => SECRET },
    { args: /^rollout (restart|status) deployment\/\S+$/ },
  ],
  docker: [
    {
      args: /^run --rm -v (?<host>\S+):(?<inside>\/\S+):ro -e VSYNC_CONFIG_FILE=\k<inside>\/config -e VSYNC_PASSPHRASE_FILE=\k<inside>\/passphrase \S+$/,
      keeps: keepsMounted,
    },
    { args: /^compose (up -d|config --quiet)$/ },
  ],
  fly: [{ args: /^secrets import( --app \S+)?( --stage)?$/, keeps: keepsLines }],
  gh: [{ args: /^secret set (?<name>VSYNC_\w+)( --env \S+)?$/, keeps: keepsStdin }],
  wrangler: [
    // The tool drops trailing white space of its input.
    { args: /^secret put (?<name>VSYNC_\w+)$/, keeps: ({ group, stdin }) => ({ [group("name")]: stdin().trimEnd() }) },
  ],
  systemctl: [{ args: /^(daemon-reload|restart \S+|enable --now \S+)$/ }],
  sops: [
    { args: /^(-d|decrypt) --output-type json \S+$/, prints: asJson },
    { args: /^(-d|decrypt) \S+\.env$/, prints: () => "DATABASE_URL=postgres://moved\n" },
    { args: /^(-d|decrypt) \S+\.yaml$/, prints: () => "db:\n  host: h1\n  port: 5432\nsession-secret: 9f2c\n" },
  ],
  dotenvx: [
    {
      args: /^decrypt -f \S+ --stdout$/,
      prints: () => 'DATABASE_URL="postgres://from-dotenvx"\nSESSION_SECRET="9f2c"\n',
    },
    {
      args: /^get --format=json -f \S+$/,
      prints: () => '{"DATABASE_URL":"postgres://from-dotenvx","SESSION_SECRET":"9f2c"}\n',
    },
  ],
  chamber: [
    {
      args: /^export( --format json)? \S+$/,
      prints: () => JSON.stringify(Object.fromEntries(Object.entries(MOVED).map(([k, v]) => [k.toLowerCase(), v]))),
    },
  ],
  doppler: [{ args: /^secrets download --no-file --format json$/, prints: asJson }],
  heroku: [{ args: /^config --json --app \S+$/, prints: asJson }],
  jq: [
    { args: /^-r (?<path>[.\w]+)$/, prints: ({ group, stdin }) => fieldOf(stdin(), group("path")) },
    { args: /^-r (?<path>[.\w]+) (?<file>\S+)$/, prints: fieldOfFile },
    { args: /^\.rows\[\] \| select\(\.action == "\w+"\)$/, prints: ({ stdin }) => rowsIn(stdin()) },
  ],
  apt: [{ args: /^install \.\/vsync_\d+\.\d+\.\d+_amd64\.deb$/ }],
  podman: [
    { args: /^build --build-arg=VERSION=\d+\.\d+\.\d+ --tag=vsync \.$/ },
    { args: /^run --rm --env=VSYNC_CONFIG --env=VSYNC_PASSPHRASE vsync get \w+$/ },
  ],
  psql: [{ args: /^$/ }],
  python3: [{ args: /^app\.py$/ }],
  npm: [
    // .ci/run runs the real ones: npm ci, npm run check (npm test) and npm run quickstart.
    { args: /^(ci|install vsync)$/ },
    { args: /^(?:run )?(?<script>[\w:-]+)$/, prints: scriptThere },
  ],
};
