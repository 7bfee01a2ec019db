import { describe, expect, test, vi } from "vitest";
import { fillEnvironment } from "../../src/runtime/fill-environment.ts";
import { InputError } from "../../src/runtime/index.ts";
import { directoryVault, open } from "./fixture.ts";

async function filled(items: Record<string, string>, env: Record<string, string> = {}) {
  const secrets = Object.entries(items).map(([name, data]) => ({ name, data }));
  const vault = await open(
    await directoryVault({ items: [...secrets, { name: "sa.json", kind: "file", data: "{}" }] }),
  );
  const warn = vi.fn();
  fillEnvironment(vault, env, warn);
  return { env, warned: warn.mock.calls.flat() as { fields: { name: string } }[] };
}

describe("register sets", () => {
  test("every unset secret, and no file", async () => {
    const { env, warned } = await filled({ A: "1", _b2: "", SET: "vault", BLANK: "vault" }, { SET: "own", BLANK: "" });
    expect(env).toEqual({ A: "1", _b2: "", SET: "own", BLANK: "" });
    expect(warned).toEqual([]);
  });

  test("a secret whose name every object inherits", async () => {
    const { env } = await filled({ toString: "of the vault" });
    expect(Object.entries(env)).toEqual([["toString", "of the vault"]]);
  });

  test.each(["1A", "A-B", "A B", "A=B", "Ä", " A", "a.b"])("no variable %j, but warns once", async (name) => {
    const { env, warned } = await filled({ [name]: "planted", GOOD: "good" });
    expect(env).toEqual({ GOOD: "good" });
    expect(warned).toEqual([
      {
        code: "VSYNC_NAME_SKIPPED",
        message: `${JSON.stringify(name)} of the vault cannot be the name of an environment variable`,
        hint: expect.stringContaining("Vsync.open()"),
        fields: { name },
      },
    ]);
  });

  test("no value that the operating system would cut", async () => {
    await expect(filled({ CUT: "be\0hind" })).rejects.toThrow(InputError);
    await expect(filled({ CUT: "be\0hind" })).rejects.toMatchObject({ hint: expect.stringContaining("bytes()") });
  });
});
