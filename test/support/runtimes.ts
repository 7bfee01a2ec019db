import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fetchPackages } from "../../scripts/fetched-packages.ts";

/** The runtimes of the tests. `node24` is the Node of this repository; the others are fetched. */
export const RUNTIMES = ["node22", "node24", "node26", "bun"] as const;
/** These serve Fetch handlers, and start none of the other tests. */
const EDGE = ["deno", "workerd"] as const;
export type RuntimeName = (typeof RUNTIMES | typeof EDGE)[number];

const repository = join(import.meta.dirname, "../..");
const isEdge = (name: RuntimeName): boolean => EDGE.some((it) => it === name);

const fetched = new Map<string, Promise<string>>();

/**
 * The path of a runtime's program. The first call on a machine fetches them with npm, into a cache folder.
 *
 * @throws Error this is not Linux on x64 or arm64, or npm could not fetch them
 */
export async function runtimePath(name: RuntimeName): Promise<string> {
  const program = programs()[name];
  if (name === "node24") return join(repository, program);
  const described = isEdge(name) ? "edge-runtimes" : "runtimes";
  const fetching = fetched.get(described) ?? fetchOnce(described);
  fetched.set(described, fetching);
  return join(await fetching, program);
}

function programs(): Readonly<Record<RuntimeName, string>> {
  const { platform, arch } = process;
  if (platform !== "linux" || (arch !== "x64" && arch !== "arm64")) {
    throw new Error(`no runtimes to test under for ${platform} on ${arch}`);
  }
  return {
    node22: `node_modules/node-22-${arch}/bin/node`,
    node24: `node_modules/node-linux-${arch}/bin/node`,
    node26: `node_modules/node-26-${arch}/bin/node`,
    deno: `node_modules/@deno/linux-${arch}-glibc/deno`,
    workerd: `node_modules/@cloudflare/workerd-linux-${arch === "x64" ? "64" : arch}/bin/workerd`,
    bun: `node_modules/@oven/bun-linux-${arch === "arm64" ? "aarch64" : arch}/bin/bun`,
  };
}

async function fetchOnce(described: string): Promise<string> {
  const folder = await fetchPackages(join(import.meta.dirname, described));
  // They are optional dependencies, because of the other architecture, and npm does not report one that it could not fetch.
  const wanted = Object.entries(programs()).filter(([name]) => {
    return name !== "node24" && isEdge(name as RuntimeName) === (described === "edge-runtimes");
  });
  const missing = wanted.map(([, program]) => program).filter((program) => !existsSync(join(folder, program)));
  if (missing.length === 0) return folder;
  await rm(folder, { recursive: true, force: true });
  throw new Error(`npm did not fetch ${missing.join(", ")}`);
}
