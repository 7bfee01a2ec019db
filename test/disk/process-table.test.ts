import { expect, test } from "vitest";
import { listWorkFiles } from "../../src/directory/work-folder.ts";
import { systemProcesses } from "../../src/disk/process-table.ts";
import { newStore, text } from "../directory/fixture.ts";
import { StoreProcess } from "../directory/processes.ts";

const isLinux = process.platform === "linux";

test("this process is alive to itself and to any other look at it", async () => {
  const self = await systemProcesses().self();
  expect(self.pid).toBe(process.pid);
  expect(self.place).toMatch(/^[0-9a-f]{16}$/);
  expect(await systemProcesses().status(self)).toBe(isLinux ? "alive" : "unknown");
  expect(await systemProcesses().self()).toEqual(self);
});

test("a pid that is not there is dead, a place that is not here unknown", async () => {
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
