import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A rolldown plugin that writes LICENSES.txt: each package in the bundles, its version, licence and licence's text. */
export const licences = {
  name: "licences",
  generateBundle(_, bundle) {
    const modules = Object.values(bundle).flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
    const folders = new Set(modules.flatMap((id) => packageOf(id) ?? []));
    const source = [...folders]
      .map(notice)
      .toSorted()
      .join(`\n${"-".repeat(72)}\n\n`);
    this.emitFile({ type: "asset", fileName: "LICENSES.txt", source });
  },
};

/** The folder of the package that a module is in; undefined for our own. */
function packageOf(id) {
  const at = id.lastIndexOf("/node_modules/");
  if (at === -1) return undefined;
  const end = at + "/node_modules/".length;
  const [scope, name] = id.slice(end).split("/");
  return id.slice(0, end) + (scope.startsWith("@") ? `${scope}/${name}` : scope);
}

function notice(folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const [file] = globSync("{LICEN[CS]E,licen[cs]e,LICEN[CS]E-MIT,COPYING}{,.md,.txt}", { cwd: folder });
  const by = typeof author === "string" ? author : (author?.name ?? "");
  const text = file === undefined ? `${by}\n` : readFileSync(join(folder, file), "utf8");
  return `${name} ${version} (${license})\n\n${text.trimEnd()}\n`;
}
