/**
 * Makes something anew only when what it is made of is another one. Pure.
 */
export function remembered<From extends readonly unknown[], To>(make: (...from: From) => To): (...from: From) => To {
  let last: { readonly from: From; readonly to: To } | undefined
  return (...from) => {
    if (last === undefined || from.some((one, i) => one !== last?.from[i])) last = { from, to: make(...from) }
    return last.to
  }
}
