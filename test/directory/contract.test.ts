import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { openDirectoryStore } from "../../src/directory/directory-store.ts";
import { createDirectoryRoot } from "../../src/directory/folders.ts";
import { fileEndpoint } from "../../src/directory/location.ts";
import type { ObjectStore } from "../../src/ports.ts";
import { describeObjectStore } from "../contract/object-store.ts";

describeObjectStore(
  "the directory store",
  async () => {
    const folder = await mkdtemp(`${tmpdir()}/vsync contract `);
    const bucket = { endpoint: fileEndpoint(folder), bucket: "vsync" };
    await createDirectoryRoot(bucket);
    const at = async (prefix: string): Promise<ObjectStore> => openDirectoryStore({ ...bucket, prefix });
    return {
      store: await at("a/b/"),
      another: () => at("a/b/"),
      sibling: () => at("a/bc/"),
      close: () => rm(folder, { recursive: true }),
    };
  },
  { listedKeys: 1001 },
);
