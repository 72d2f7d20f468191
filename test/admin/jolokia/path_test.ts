/** Escapes, decoding and object names of Jolokia paths (§4.2). */

import { describe, expect, test } from "bun:test";
import { JolokiaFault } from "../../../src/admin/jolokia/fault.ts";
import { matches, parseObjectName } from "../../../src/admin/jolokia/object_name.ts";
import { decodePath, pathInfoOf, splitList, splitPath } from "../../../src/admin/jolokia/path.ts";

describe("path info", () => {
  const cases: [url: string, info: string | null][] = [
    ["http://a:1/jmx", ""],
    ["http://a:1/jmx/", "/"],
    ["http://a:1/rayo/jmx/version", "/version"],
    ["http://a/jolokia/read/a%2Fb?x=/y", "/read/a%2Fb"],
    ["http://a/jmx?p=/version", ""],
    ["http://a/jmx/a!//b/", "/a!//b/"],
    ["http://a/jmxx/version", null],
    ["http://a/rayo", null],
  ];
  for (const [url, info] of cases) test(url, () => expect(pathInfoOf(url)).toBe(info));
});

describe("parts", () => {
  const cases: [path: string, parts: string[]][] = [
    ["", []],
    ["/", []],
    ["///", []],
    ["/read/a", ["read", "a"]],
    ["read/a/", ["read", "a"]],
    ["/a!/b/c", ["a/b", "c"]],
    ["/a!!/c", ["a!", "c"]],
    ["/a!xb", ["axb"]],
    ["/a!//b", ["a/", "b"]],
    ["/a!/", ["a/"]],
    ["/a!", ["a!"]],
    ["/a!!!/b", ["a!/b"]],
    ["/a//b", ["a", "b"]],
    ["/sip:usera@node.example/tel:+1", ["sip:usera@node.example", "tel:+1"]],
  ];
  for (const [path, parts] of cases) test(JSON.stringify(path), () => expect(splitPath(path)).toEqual(parts));

  test("are percent-decoded once, before they are split", () => {
    expect(splitPath(decodePath("/a!%2Fb/c%2Fd/%2521/%C3%A9+"))).toEqual(["a/b", "c", "d", "%21", "é+"]);
  });

  test("that are no UTF-8 or hold a lone % are a fault", () => {
    expect(() => decodePath("/a%zz")).toThrow(JolokiaFault);
    expect(() => decodePath("/a%E9")).toThrow(JolokiaFault);
  });

  test("what jolokia.js 2 makes of a part comes back as it was", () => {
    for (const part of ["a/b", "!", "!/", "a!!b//c", "sip:x@y;z=1?h", "é %2F", "//"]) {
      const sent = encodeURIComponent(part.replace(/!/g, "!!").replace(/\//g, "!/"));
      expect(splitPath(decodePath("/exec/" + sent + "/end"))).toEqual(["exec", part, "end"]);
    }
  });

  test("a list is cut at commas that are not escaped", () => {
    expect(splitList("a,b")).toEqual(["a", "b"]);
    expect(splitList("a\\,b,c")).toEqual(["a,b", "c"]);
  });
});

describe("object names", () => {
  test("have their keys sorted in the canonical form", () => {
    expect(parseObjectName("com.rayo.gateway:name=Admin,Type=Admin").canonical).toBe(
      "com.rayo.gateway:Type=Admin,name=Admin",
    );
    expect(parseObjectName('d:b="x,y",a=1').canonical).toBe('d:a=1,b="x,y"');
  });

  for (const bad of ["", "nocolon", "d:", "d:a", "d:=x", "d:a=1,a=2", "d:a=1,,b=2", "d:a*=1"]) {
    test(`${JSON.stringify(bad)} is none`, () => {
      expect(() => parseObjectName(bad)).toThrow(/^Invalid object name\. /);
    });
  }

  const patterns: [pattern: string, name: string, match: boolean][] = [
    ["com.rayo.gateway:*", "com.rayo.gateway:Type=Admin,name=Admin", true],
    ["com.rayo*:*", "com.rayo.gateway:Type=Gateway", true],
    ["*:Type=Gateway", "com.rayo.gateway:Type=Gateway", true],
    ["*:Type=Gateway", "com.rayo.gateway:Type=GatewayStatistics", false],
    ["*:Type=Gateway*", "com.rayo.gateway:Type=GatewayStatistics", true],
    ["com.rayo.gateway:Type=Admin", "com.rayo.gateway:Type=Admin,name=Admin", false],
    ["com.rayo.gateway:Type=Admin,*", "com.rayo.gateway:Type=Admin,name=Admin", true],
    ["java.lan?:type=*", "java.lang:type=Memory", true],
    ["java.lang?:type=*", "java.lang:type=Memory", false],
    ["*a*b*:*", "xaxb:k=v", true],
    ["*a*b*:*", "xbxa:k=v", false],
  ];
  for (const [pattern, name, match] of patterns) {
    test(`${pattern} ${match ? "means" : "does not mean"} ${name}`, () => {
      expect(matches(parseObjectName(pattern), parseObjectName(name))).toBe(match);
    });
  }
});
