import { hostname } from "node:os";
import { expect, test } from "vitest";
import { currentActor } from "../../../src/cli/session/actor.ts";

const CI = { CI: "true", GITHUB_ACTOR: "octo", GITLAB_USER_LOGIN: "tanuki" };

test.each<[Record<string, string>, string]>([
  [{ ...CI, VSYNC_ACTOR: "release-bot" }, "release-bot"],
  [{ ...CI, VSYNC_ACTOR: "" }, "octo"],
  [{ ...CI, GITHUB_ACTOR: "" }, "tanuki"],
  [{ CI: "1" }, "account"],
  [{ ...CI, CI: "" }, "account"],
  [{ ...CI, CI: "false" }, "account"],
  [{ USER: "eve", LOGNAME: "eve", USERNAME: "eve" }, "account"],
])("%j names %s", (variables, user) => {
  expect(currentActor(variables, () => "account")).toMatchObject({ user, host: hostname() });
});

test("a malformed name is repaired, because the manifest only accepts valid Unicode", () => {
  expect(currentActor({ VSYNC_ACTOR: "a\ud800" }).user).toBe("a\ufffd");
});
