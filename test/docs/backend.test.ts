import { expect, test } from "vitest";
import * as gateway from "../../src/backend/gateway/index.ts";
import * as backend from "../../src/backend/index.ts";
import * as testing from "../../src/backend/testing.ts";
import { readPage } from "./page.ts";

test("docs/backend.md has every name that vsync/backend, vsync/gateway and vsync/backend/testing export", async () => {
  const [, section = ""] = (await readPage("docs/backend.md")).split("## Exports\n");
  const [table = ""] = section.split("\n## ");
  const names = new Set([...table.matchAll(/`([A-Za-z_]+)[(`]/g)].map(([, name = ""]) => name));
  const exported = [backend, gateway, testing].flatMap((module) => Object.keys(module));
  expect(exported.filter((name) => !names.has(name))).toEqual([]);
});
