/** @module-tag process */
import { readFile, readlink } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, test, vi } from "vitest";
import { listWorkFiles } from "../../src/directory/work-folder.ts";
import { systemProcesses } from "../../src/disk/process-table.ts";
import { newStore, text } from "../directory/fixture.ts";
import { StoreProcess } from "../directory/processes.ts";

vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:fs/promises")>();
  return { ...original, readFile: vi.fn(original.readFile), readlink: vi.fn(original.readlink) };
});
vi.mock("node:os", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:os")>();
  return { ...original, networkInterfaces: vi.fn(original.networkInterfaces) };
});

const real = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
const get = (on: object, name: string | symbol): unknown => {
  const value: unknown = Reflect.get(on, name);
  return typeof value === "function" ? value.bind(on) : value;
};

afterEach(() => {
  vi.unstubAllGlobals();
  vi.mocked(readFile).mockReset().mockImplementation(real.readFile);
  vi.mocked(readlink).mockReset().mockImplementation(real.readlink);
});

const isLinux = process.platform === "linux";

test("this process is alive to itself and to other processes", async () => {
  const self = await systemProcesses().self();
  expect(self.pid).toBe(process.pid);
  expect(self.place).toMatch(/^[0-9a-f]{16}$/);
  expect(await systemProcesses().status(self)).toBe(isLinux ? "alive" : "unknown");
  expect(await systemProcesses().self()).toEqual(self);
});

test("a missing pid is dead, and a foreign place unknown", async () => {
  const processes = systemProcesses();
  const self = await processes.self();
  expect(await processes.status({ ...self, pid: 4_194_305 })).toBe("dead");
  expect(await processes.status({ ...self, place: "0".repeat(16), pid: 4_194_305 })).toBe("unknown");
  expect(await processes.status({ ...self, start: "0" })).toBe("unknown");
});

test.runIf(isLinux)("a later process of the same pid is another one", async () => {
  const processes = systemProcesses();
  const self = await processes.self();
  expect(await processes.status({ ...self, start: `${self.start}0` })).toBe("dead");
});

describe("a machine that hides what tells it from others", () => {
  test.each([
    ["linux", "boot_id"],
    ["linux", "ns/pid"],
    ["freebsd", "nothing"],
  ])("knows nothing of other processes: %s without %s", async (platform, missing) => {
    vi.stubGlobal(
      "process",
      new Proxy(process, { get: (on, name) => (name === "platform" ? platform : get(on, name)) }),
    );
    const hidden =
      (read: (path: string, ...rest: never[]) => Promise<never>) =>
      async (path: unknown, ...rest: never[]) => {
        if (String(path).endsWith(missing)) throw new Error("hidden");
        return read(String(path), ...rest);
      };
    vi.mocked(readFile).mockImplementation(hidden(real.readFile as never) as never);
    vi.mocked(readlink).mockImplementation(hidden(real.readlink as never) as never);
    const [one, other] = [await systemProcesses().self(), await systemProcesses().self()];
    expect(other.place).not.toBe(one.place);
    // A process of another container cannot be seen from here, and may be alive.
    expect(await systemProcesses().status({ ...one, pid: 4_194_305 })).toBe("unknown");
  });

  test.each(["darwin", "win32"])("%s tells machines of one name by their network cards", async (platform) => {
    vi.stubGlobal(
      "process",
      new Proxy(process, { get: (on, name) => (name === "platform" ? platform : get(on, name)) }),
    );
    const cards = (mac: string) => ({ en0: [{ mac }, { mac }], none: undefined }) as never;
    vi.mocked(networkInterfaces).mockReturnValueOnce(cards("01:02")).mockReturnValueOnce(cards("01:02"));
    const places = [await systemProcesses().self(), await systemProcesses().self()];
    vi.mocked(networkInterfaces).mockReturnValueOnce(cards("03:04"));
    const third = await systemProcesses().self();
    expect(places[0]?.place).toBe(places[1]?.place);
    expect(third.place).not.toBe(places[0]?.place);
  });
});

test("a process that was killed is dead", async () => {
  const { location, store, workFolder } = await newStore();
  const version = await store.create("manifest", text("before"));
  const writer = await StoreProcess.start({ location, interruption: { before: "rename", signal: "SIGKILL" } });
  expect(await writer.ask({ operation: "replace", key: "manifest", content: "after", version })).toBeNull();
  const left = await listWorkFiles(workFolder);
  expect(left.map(({ kind }) => kind).toSorted()).toEqual(["claim", "temp"]);
  for (const { owner } of left) {
    expect(owner.pid).toBe(writer.pid);
    expect(await systemProcesses().status(owner)).toBe("dead");
  }
});
