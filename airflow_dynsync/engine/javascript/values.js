// Attribute values: from DynamoDB's wire form, {"N": "32"}, to what scripts see, and back. It evaluates to a function
// that returns what the runtime needs of it.
() => {
  "use strict";
  const MAX_DEPTH = 32; // DynamoDB nests no deeper
  const MAX_DIGITS = 38;
  const MAX_EXPONENT = 125;
  const MIN_EXPONENT = -130;
  const OriginalDate = Date;

  const refusals = new WeakMap();

  // An error whose message is ours, and so holds no value.
  class Refused extends Error {
    constructor(message) {
      super(message);
      refusals.set(this, message);
    }
  }
  Refused.prototype.constructor = Error; // scripts cannot make one of their own

  // ---- Numbers: exact both ways

  class Decimal {
    #text;
    constructor(text) {
      this.#text = plain(digitsOf(String(text)));
      Object.freeze(this);
    }
    static isDecimal(object) {
      return #text in object;
    }
    toString() {
      return this.#text;
    }
    toJSON() {
      return this.#text;
    }
    valueOf() {
      return Number(this.#text);
    }
    [Symbol.toPrimitive](hint) {
      return hint === "string" ? this.#text : Number(this.#text);
    }
  }

  function digitsOf(text) {
    const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
    if (match === null || match[2] + match[3] === "") throw new Refused("a decimal was expected, such as 12.50");
    const [, sign, whole, fraction, exponent = "0"] = match;
    const digits = (whole + fraction).replace(/^0+/, "");
    const significant = digits.replace(/0+$/, "");
    return {
      negative: sign === "-" && significant !== "",
      digits: significant,
      exponent: Number(exponent) - fraction.length + digits.length - significant.length,
    };
  }

  function plain({ negative, digits, exponent }) {
    if (digits === "") return "0";
    if (digits.length > MAX_DIGITS) {
      throw new Refused(`a number has ${digits.length} significant digits, DynamoDB keeps ${MAX_DIGITS}`);
    }
    const adjusted = digits.length + exponent - 1;
    if (adjusted < MIN_EXPONENT || adjusted > MAX_EXPONENT) {
      throw new Refused("a number is out of DynamoDB's range, 1E-130 to 9.99E+125");
    }
    const sign = negative ? "-" : "";
    if (exponent >= 0) return sign + digits + "0".repeat(exponent);
    const whole = digits.length + exponent;
    if (whole > 0) return `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`;
    return `${sign}0.${"0".repeat(-whole)}${digits}`;
  }

  function decodeNumber(text) {
    const near = Number(text);
    if (text.length <= 15 || String(near) === text) return near; // a double keeps any 15 digits
    const exact = digitsOf(text);
    const approximate = digitsOf(String(near));
    if (exact.digits === approximate.digits && exact.exponent === approximate.exponent) return near;
    return exact.exponent >= 0 ? BigInt(plain(exact)) : new Decimal(text);
  }

  function encodeNumber(number) {
    if (Number.isSafeInteger(number)) return String(number);
    if (!Number.isFinite(number)) throw new Refused(`${number} is not a number that DynamoDB has`);
    return plain(digitsOf(String(number)));
  }

  // ---- Wire form to JavaScript

  const setsByArray = new WeakMap(); // which arrays were sets, and of which type

  function decode(wire) {
    if (wire.S !== undefined) return wire.S;
    if (wire.N !== undefined) return decodeNumber(wire.N);
    if (wire.BOOL !== undefined) return wire.BOOL;
    if (wire.M !== undefined) return decodeMap(wire.M);
    if (wire.L !== undefined) return wire.L.map(decode);
    if (wire.NULL !== undefined) return null;
    if (wire.B !== undefined) return Uint8Array.fromBase64(wire.B);
    if (wire.SS !== undefined) return decodeSet("SS", wire.SS.slice());
    if (wire.NS !== undefined) return decodeSet("NS", wire.NS.map(decodeNumber));
    return decodeSet("BS", wire.BS.map((text) => Uint8Array.fromBase64(text)));
  }

  function decodeMap(members) {
    const object = {};
    for (const name in members) put(object, name, decode(members[name]));
    return object;
  }

  function decodeSet(kind, array) {
    setsByArray.set(array, kind);
    return array;
  }

  function put(object, name, member) {
    if (name in Object.prototype) {
      Object.defineProperty(object, name, { value: member, writable: true, enumerable: true, configurable: true });
    } else {
      object[name] = member;
    }
  }

  // ---- JavaScript to wire form

  const DROP = Object.freeze({ __proto__: null });
  const NULL = Object.freeze({ NULL: true });
  const ELEMENT = { SS: "S", NS: "N", BS: "B" };
  const IN_WORDS = { SS: "a string set", NS: "a number set", BS: "a binary set" };

  // `source` is the wire value that stood in the same place: an array where a set was is that set again.
  function encode(result, source, depth) {
    switch (typeof result) {
      case "string":
        if (!result.isWellFormed()) throw new Refused("a string has half of a surrogate pair, which has no UTF-8");
        return { S: result };
      case "number":
        return { N: encodeNumber(result) };
      case "boolean":
        return { BOOL: result };
      case "undefined":
        return NULL;
      case "bigint":
        return { N: plain(digitsOf(String(result))) };
      case "object":
        return result === null ? NULL : encodeObject(result, source, depth);
    }
    throw new Refused(`a ${typeof result} cannot be stored; return a string, number, boolean, array, object or null`);
  }

  function encodeObject(object, source, depth) {
    if (depth > MAX_DEPTH) throw new Refused(`DynamoDB nests ${MAX_DEPTH} levels deep, and there are more`);
    if (Array.isArray(object)) return encodeArray(object, source, depth);
    if (Decimal.isDecimal(object)) return { N: object.toString() };
    if (ArrayBuffer.isView(object)) {
      return { B: new Uint8Array(object.buffer, object.byteOffset, object.byteLength).toBase64() };
    }
    const prototype = Object.getPrototypeOf(object);
    if (prototype === Object.prototype || prototype === null) return encodeMap(object, source, depth);
    if (object instanceof ArrayBuffer) return { B: new Uint8Array(object).toBase64() };
    if (object instanceof Set) return encodeSet([...object], setKind(object, source));
    if (object instanceof Map) return encodeMap(Object.fromEntries(object), source, depth);
    if (object instanceof OriginalDate) {
      if (Number.isNaN(object.getTime())) throw new Refused("an invalid Date cannot be stored");
      return { S: object.toISOString() };
    }
    if (object instanceof Promise) throw new Refused("a Promise cannot be stored; scripts are synchronous, without async");
    throw new Refused("an object of a class cannot be stored; return a plain object, or a string made of it");
  }

  function encodeArray(array, source, depth) {
    const kind = setsByArray.get(array) ?? setKindOf(source);
    if (kind !== undefined) return encodeSet(array, kind);
    const sources = source?.L?.length === array.length ? source.L : undefined;
    const list = [];
    for (let index = 0; index < array.length; index++) list.push(encode(array[index], sources?.[index], depth + 1));
    return { L: list };
  }

  function setKindOf(source) {
    if (source === undefined) return undefined;
    return source.SS !== undefined ? "SS" : source.NS !== undefined ? "NS" : source.BS !== undefined ? "BS" : undefined;
  }

  function setKind(set, source) {
    const known = setKindOf(source);
    if (known !== undefined) return known;
    if (set.size === 0) throw new Refused("an empty Set has no type; return null");
    const [first] = Object.keys(encode(set.values().next().value, undefined, MAX_DEPTH));
    return `${first}S`;
  }

  function encodeSet(elements, kind) {
    const wanted = ELEMENT[kind];
    if (wanted === undefined) throw new Refused("a set holds strings, numbers or binaries, and nothing else");
    const texts = new Set();
    for (const element of elements) {
      const text = encode(element, undefined, MAX_DEPTH)[wanted];
      if (text === undefined) throw new Refused(`${IN_WORDS[kind]} stays one, so its elements keep their type`);
      texts.add(text);
    }
    return { [kind]: [...texts] };
  }

  function encodeMap(object, source, depth) {
    const members = {};
    for (const name of Object.keys(object)) {
      const member = object[name];
      if (member === undefined) continue; // as JSON.stringify does
      if (name === "") throw new Refused("an attribute's name is empty");
      if (!name.isWellFormed()) throw new Refused("an attribute's name has half of a surrogate pair");
      const before = source?.M !== undefined && Object.hasOwn(source.M, name) ? source.M[name] : undefined;
      put(members, name, encode(member, before, depth + 1));
    }
    return { M: members };
  }

  const refusalOf = (error) => refusals.get(error) ?? null;

  return { Decimal, DROP, Refused, decode, decodeMap, encode, refusalOf };
}
