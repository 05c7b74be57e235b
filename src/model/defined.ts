type UndefinedKey<Fields> = { [Key in keyof Fields]-?: undefined extends Fields[Key] ? Key : never }[keyof Fields]

/** Fields of which those that may be undefined may be absent instead. */
export type Defined<Fields> = { [Key in Exclude<keyof Fields, UndefinedKey<Fields>>]: Fields[Key] } & {
  [Key in UndefinedKey<Fields>]?: Exclude<Fields[Key], undefined>
}

/** The fields that are not undefined. For exact types, JSON documents and comparisons a field that is absent is not the same as one that is undefined. */
export function defined<const Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields>
}
