// Programs of others with which some tests look at ours; where one is missing its tests skip, and say so.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Whether a program of that name is to be had on this machine. */
export function programHere(name: string): boolean {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
