import { readFileSync } from "node:fs";
import { levels, matrix, summary, sumOf } from "../../lab/faults/campaign/results.ts";
import { page, table } from "./markdown.mjs";

const text = ({ head, rows }) => table(head, rows);

const thousands = (count) => String(count).replace(/(?<=\d)(?=(\d{3})+$)/g, " ");

function headline({ rows }) {
  const [injected, lost, stuck, silent] = ["injected", "lost", "stuck", "silent"].map((count) => sumOf(rows, count));
  return `**${thousands(injected)} injected faults: ${lost} lost, ${stuck} stuck, ${silent} silent.**`;
}

const PROMISES = `After each fault another machine looks at the store, then makes the next commit on it:

- **lost**: what opens is neither exactly the old nor exactly the new generation, a bundle that a row names is not whole, or
  the audit chain does not verify (one row may be outstanding, and then \`reconcile\` appends it)
- **stuck**: the next commit (push, set, rotate, rotate with grace and restore take turns) does not come through, or leaves a row
  outstanding
- **silent**: what the command said is not what has happened: success without the change, a refusal although it has committed, a
  row outstanding that it did not mention, or anything but a documented error`;

const WORDS = `\`old\` and \`new\` say which generation opens afterwards (after \`open\` it is always the old one). \`done\`, \`refused\`, \`unknown\` and
\`killed\` say what whoever gave the command was told: success, an error that says nothing was committed, an error that says it is not known,
nothing at all. Retries of the S3 store are real, only the waits between them are not; on the level \`program\` those are, too, and what it
prints, its exit code and what it leaves on the disk have to agree with what has happened. That level kills before and after every request
of every command, and makes every ninth of the other faults happen; the level \`directory\` fails every second call of the file system, and
from every fourth one on all that follow; each sample takes other ones from command to command.`;

const FUZZ = `Every parser is given inputs that nobody wrote: the token and its fields, a gzip member, canonical JSON, base64, keys and times, signed
notes, manifest, bundle header, index (well sealed), audit row (well signed), dotenv, durations, \`--meta\`, the config, locations and URLs, item
names, what is printed and CSV, and what \`import\` reads (dotenv, docker, JSON, YAML, Kubernetes). It is refused by the documented class with a message of
one line, or taken, and then it re-encodes to the same bytes (a token: to the same fields; an import: exported and imported again, to the same items). No
input may take two seconds, nor the heap more than 192 MB. \`npm test\` runs what was kept and what fast-check makes of it; \`npm run fuzz\` goes on from there,
led by coverage ([0031](decisions/0031-fuzzing.md)).`;

const AGAIN = `- \`npm run faults\`: all of it, eight minutes on a quiet machine; \`npm run faults -- --level=S3\` one level. A level that fails is named, the others go
  on, and the exit code is 1. It keeps what it counted after each level, from which
  \`npm run generate\` makes this page. A sample of each level is part of \`npm test\`.
- \`npm run soak -- --seed=7 --minutes=60\`: so many simulated minutes, less than one in real time for each ten.
- \`npm run fuzz -- --target=manifest --seconds=60\`: all targets for 20 seconds each where nothing is named.
- \`npm run mutation -- --folder=blob\` changes the sources and looks whether a test notices:
  [what came of it](../lab/mutation/README.md).`;

const SOAK = `\`npm run soak\` lets an hour of simulated time pass: every few seconds one to three people at once, whose clocks differ, push, set,
unset, rotate (with and without grace), finish, restore, gc, reconcile or open, now and then with a passphrase that only reads or was
rotated away, their requests in an order that a seed gives, two in five with a fault around one request. After every step the audit log is read, a
model without cryptography makes the commits that it tells of, and both must agree: on the secrets, on which passphrase opens, on what
everybody was told, on which bundles are there. It prints its seed where they do not. A few minutes of two seeds are part of \`npm test\`.`;

/** The page of what was tried and what came of it, from the results that `npm run faults` has written. */
export function reliability(root) {
  const faults = JSON.parse(readFileSync(`${root}/lab/faults/campaign/results.json`, "utf8"));
  return page("Reliability", "lab/faults/campaign/results.json", [
    headline(faults),
    PROMISES,
    "## How much of it is real",
    text(levels(faults)),
    text(summary(faults, "level")),
    "## What went wrong, and how it ended",
    WORDS,
    text(summary(faults, "fault")),
    "## Operation × fault",
    "How many ended as before + as if nothing had gone wrong.",
    text(matrix(faults)),
    "## A soak",
    SOAK,
    "## Fuzz",
    FUZZ,
    "## Run it yourself",
    AGAIN,
  ]);
}
