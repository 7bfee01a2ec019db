import { filled, table } from "./markdown.mjs";

const BEGIN = "<!-- written by `npm run generate` from lab/bench/results.json -->\n";
const END = "<!-- /generated -->";

const number = (value) => String(value >= 100 ? Math.round(value) : Math.round(value * 10) / 10);
const isOurs = ({ program }) => program.startsWith("vsync");
const isBinary = ({ program }) => program === "vsync (binary)";
const isOther = ({ program }) => program !== "control" && !isOurs({ program });

/** README.md with the numbers of the last run of `npm run bench` between its two marks. */
export function readme(text, results) {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error("README.md has lost the marks around its numbers");
  return `${before}${BEGIN}\n${numbers(results)}\n\n${END}${after}`;
}

function numbers({ rows, kdf, date, machine }) {
  const group = (name) => rows.filter((row) => row.group === name);
  const mint = group("start-up").find(
    ({ name, program }) => name === "runtime-token --no-validate" && program === "binary",
  );
  const least = group("open a directory, exec true").find(
    ({ name, program }) => name.startsWith("least") && program === "binary",
  );
  const [read, change] = ["read 50 secrets for one process", "change the passphrase"].map(group);
  const cells = [
    ...rowOf("mint a token, offline", mint, ({ ratio, wallMs }) => `\`node -e 0\` ${number(wallMs.median / ratio)}`),
    ...rowOf("open 50 secrets and start a program", read.find(isBinary), () => others(read)),
    ...rowOf("change the passphrase", change.find(isBinary), () => others(change)),
  ];
  const cost = `Argon2id, ${kdf.memoryKiB / 1024} MiB, ${kdf.iterations} passes`;
  return [
    filled(
      `Whole processes of the single binary, medians in milliseconds, measured on ${date} on ${machine.cores} cores. Opening derives one key (${cost}), and changing the passphrase two; derivations are slow on purpose.${atLeastCost(least)} The other tools do different things: [read what each one does](docs/performance.md#beside-other-tools) with its number.`,
    ),
    table(["work", "vsync", "others"], cells),
  ].join("\n\n");
}

/** Empty for work that the run has not measured. */
function rowOf(work, row, beside) {
  return row === undefined ? [] : [[work, number(row.wallMs.median), beside(row)]];
}

function atLeastCost(row) {
  if (row === undefined) return "";
  return ` At the lowest cost that the format allows, opening takes ${number(row.wallMs.median)} ms.`;
}

function others(rows) {
  const sorted = rows.filter(isOther).toSorted((a, b) => a.wallMs.median - b.wallMs.median);
  return sorted.map(({ program, wallMs }) => `${program} ${number(wallMs.median)}`).join(", ");
}
