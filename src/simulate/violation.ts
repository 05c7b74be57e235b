/** A rule that the simulated cluster broke. Never leaves the room: runs report it as their outcome. */
export class Violation extends Error {
  override readonly name = 'Violation'
}
