import { describe, expect, test } from "vitest";
import { storeFault } from "../../src/disk/faults.ts";
import { AccessDeniedError, ConflictError, S3UnreachableError } from "../../src/errors.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the system says it`), { code, syscall: "link" });
}

describe("a system error becomes the port's, and names path and reason", () => {
  test.each([
    ["EACCES", AccessDeniedError, "permission denied", /^check who owns/],
    ["EPERM", AccessDeniedError, "operation not permitted", /^check who owns/],
    ["EROFS", AccessDeniedError, "the file system is read-only", /^check who owns/],
    ["ENOSPC", S3UnreachableError, "no space left on the device", /^make room/],
    ["EDQUOT", S3UnreachableError, "disk quota exceeded", /^make room/],
    ["EIO", S3UnreachableError, "input/output error", /^check the disk/],
    ["EMFILE", S3UnreachableError, "too many open files", /^raise the limit .*ulimit -n/],
    ["ENFILE", S3UnreachableError, "too many open files", /^close programs/],
    ["ENAMETOOLONG", S3UnreachableError, "the name is too long", /^use a shorter one/],
    ["EEXIST", S3UnreachableError, "something that is not a folder is in the way", /^move it elsewhere/],
    ["ENOTDIR", S3UnreachableError, "a part of the path is not a folder", /^check each part/],
    ["ENOENT", S3UnreachableError, "a file or folder vanished", /^run the command again/],
    ["ESTALE", S3UnreachableError, "the network file system", /^run the command again/],
    ["EWHATEVER", S3UnreachableError, "EWHATEVER", /^check the disk/],
  ])("%s", (code, error, reason, hint) => {
    const fault = storeFault(systemError(code), "write", "/srv/vsync/api/prod/manifest");
    expect(fault).toBeInstanceOf(error);
    expect(fault).toMatchObject({
      message: expect.stringContaining(`cannot write /srv/vsync/api/prod/manifest: ${reason}`),
      hint: expect.stringMatching(hint),
    });
    expect(fault).toHaveProperty("message", expect.stringContaining(code));
  });

  test.each([
    new Error("a fault of the program"),
    new ConflictError("changed"),
    "a reason to abort",
    { code: "EIO", syscall: "no error at all" },
    Object.assign(new Error("of another kind"), { code: "EIO" }),
    Object.assign(new Error("without a code"), { syscall: "read" }),
    Object.assign(new Error("with a number"), { code: 5, syscall: "read" }),
  ])("%s passes as it is", (error) => {
    expect(storeFault(error, "read", "/x")).toBe(error);
  });
});
