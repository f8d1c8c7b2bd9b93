import { InputError } from '../errors.ts';

/** Reads an option that is a whole number; throws an InputError that names the field. */
export function wholeNumber(field: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least) {
      throw new InputError(field, `expected a whole number, at least ${least}, got '${text}'`);
    }
    return value;
  };
}
