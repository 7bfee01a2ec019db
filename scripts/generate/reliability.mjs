import { readFileSync } from "node:fs";
import { levels, matrix, summary, sumOf } from "../../lab/faults/campaign/results.ts";
import { page, table } from "./markdown.mjs";

const text = ({ head, rows }) => table(head, rows);

const thousands = (count) => String(count).replace(/(?<=\d)(?=(\d{3})+$)/g, " ");

function headline({ rows }) {
  const [injected, lost, stuck, silent] = ["injected", "lost", "stuck", "silent"].map((count) => sumOf(rows, count));
  return `**${thousands(injected)} injected faults: ${lost} lost, ${stuck} stuck, ${silent} silent.**`;
}

const INTRODUCTION = `What we broke on purpose, and how it ended. After each fault, another machine looks at the store and makes the
next commit on it. A fault counts as`;

const PROMISES = `- **lost** if the vault opens as neither exactly the old nor exactly the new generation, if a bundle that a row
  names is damaged, or if the audit chain does not verify (one row may be outstanding, and then \`reconcile\` appends it)
- **stuck** if the next commit (push, set, rotate, rotate with grace and restore take turns) fails, or leaves a row outstanding
- **silent** if the command misreported what happened: it claimed success without the change, refused although it had
  committed, did not mention an outstanding row, or failed with an undocumented error`;

const WORDS = `\`old\` and \`new\` say which generation opens afterwards (after \`open\` it is always the old one). \`done\`,
\`refused\`, \`unknown\` and \`killed\` say what the command reported: success, an error that says nothing was committed, an error
that says the outcome is unknown, or nothing at all. The S3 store really retries, but does not wait between tries. On the level
\`program\` it waits too, and the program's output, its exit code and the files it leaves must agree with what happened. That level
kills the program before and after every request of every command, and injects every ninth of the other faults. The level
\`directory\` fails every second call of the file system, and from every fourth one also all later calls. Each command gets a
different sample.`;

const FUZZ = `Every parser gets random and mutated input: the token and its fields, a gzip member, canonical JSON, base64, keys and
times, signed notes, manifest, bundle header, index (well sealed), audit row (well signed), dotenv, durations, \`--meta\`, the config,
locations and URLs, item names, terminal output and CSV, and the input of \`import\` (dotenv, docker, JSON, YAML, Kubernetes). A
parser must refuse the input with the documented class and a message of one line, or accept it and encode it back to the same bytes
(a token: to the same fields; an import: exported and imported again, to the same items). No input may take two seconds or more than
192 MB of heap. \`npm test\` runs the kept inputs and fast-check's variations of them; \`npm run fuzz\` searches further, guided by
coverage ([0031](decisions/0031-fuzzing.md)).`;

const AGAIN = `- \`npm run faults\` runs everything, in eight minutes on a quiet machine; \`npm run faults -- --level=S3\` runs one level.
  It names a level that fails, continues with the others, and exits with 1. It saves its counts after each level, and
  \`npm run generate\` makes this page from them. \`npm test\` includes a sample of each level.
- \`npm run soak -- --seed=7 --minutes=60\` runs that many simulated minutes; ten of them take less than one real minute.
- \`npm run fuzz -- --target=manifest --seconds=60\` fuzzes one target; without flags, it gives all targets 20 seconds each.
- \`npm run mutation -- --folder=blob\` changes the sources and checks that a test notices:
  [the results](../lab/mutation/README.md).`;

const SOAK = `\`npm run soak\` simulates an hour. Every few seconds one to three people at once, with different clocks, push, set, unset,
rotate (with and without grace), finish, restore, gc, reconcile or open, sometimes with a passphrase that only reads or that somebody
rotated away. A seed decides the order of their requests, and two operations in five meet a fault around one request. After every
step a model without cryptography replays the commits of the audit log, and the two must agree on the secrets, on the passphrase that
opens, on what everybody was told, and on the bundles in the store. If they disagree, the soak prints its seed. \`npm test\` includes a
few minutes of two seeds.`;

/** The page about injected faults, from the results of `npm run faults`. */
export function reliability(root) {
  const faults = JSON.parse(readFileSync(`${root}/lab/faults/campaign/results.json`, "utf8"));
  return page("Reliability", "lab/faults/campaign/results.json", [
    headline(faults),
    INTRODUCTION,
    PROMISES,
    "## How realistic each level is",
    text(levels(faults)),
    text(summary(faults, "level")),
    "## What went wrong, and how it ended",
    WORDS,
    text(summary(faults, "fault")),
    "## Operation × fault",
    "Each cell counts the runs that ended with the old generation + the runs that ended with the new one.",
    text(matrix(faults)),
    "## A soak",
    SOAK,
    "## Fuzz",
    FUZZ,
    "## Run it yourself",
    AGAIN,
  ]);
}
