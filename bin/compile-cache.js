"use strict";
const { mkdirSync, realpathSync, statSync } = require("node:fs");
const { enableCompileCache } = require("node:module");
const { homedir } = require("node:os");
const path = require("node:path");

/**
 * Lets Node.js keep the compiled program in the user's cache folder. Node.js runs what it finds there, so nobody else
 * may be able to write to it. Node's own default is a folder in /tmp, which anybody can create first (decision 0115).
 * Without a safe folder the program still starts, only slower.
 */
exports.keepCompiled = function keepCompiled() {
  try {
    const caches = realpathSync(cachesOf(process.platform));
    if (!isOurs(caches)) return;
    const folder = path.join(caches, "vsync", "node");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const real = realpathSync(folder);
    if (isOurs(real)) enableCompileCache(real);
  } catch {
    // It is missing or cannot be written.
  }
};

/**
 * Only a folder that the user's system or desktop has made, so vsync leaves an empty home, as in a container, empty.
 */
function cachesOf(platform) {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (XDG_CACHE_HOME && path.isAbsolute(XDG_CACHE_HOME)) return XDG_CACHE_HOME;
  if (platform === "win32" && LOCALAPPDATA) return LOCALAPPDATA;
  return path.join(homedir(), platform === "darwin" ? "Library/Caches" : ".cache");
}

const STICKY = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;

/** Whether the folder is this user's, and only root could write to it or replace it. */
function isOurs(folder) {
  const uid = process.geteuid?.();
  if (uid === undefined) return true;
  if (statSync(folder).uid !== uid) return false;
  for (let at = folder; ; at = path.dirname(at)) {
    const stats = statSync(at);
    const isSticky = at !== folder && (stats.mode & STICKY) !== 0;
    if ((stats.uid !== uid && stats.uid !== 0) || ((stats.mode & WRITABLE_BY_OTHERS) !== 0 && !isSticky)) return false;
    if (path.dirname(at) === at) return true;
  }
}
