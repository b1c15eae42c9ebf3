import { placesOfService, type ServicePlaces, type ServicePort } from './endpoints.ts'
import { keyOf } from './objects.ts'
import { type EndpointSlice, type Service, serviceOf } from './services.ts'
import type { StoreHandlers } from './store.ts'

/**
 * Services with their slices, fed by two informers. Tells which Service changed, by its key: whoever hears it asks anew
 * for what it wants to know (level, not edge), and may do so later and once for many changes.
 */
export class ServiceIndex {
  readonly #onChange: (service: string) => void
  readonly #services = new Map<string, Service>()
  /** By Service, then by slice. */
  readonly #slices = new Map<string, Map<string, EndpointSlice>>()

  /** `onChange`: `namespace/name` of a Service whose endpoints may be others now. */
  constructor(onChange: (service: string) => void) {
    this.#onChange = onChange
  }

  /** For the informer of EndpointSlices, with keepSlice. */
  readonly sliceHandlers: StoreHandlers<EndpointSlice> = {
    added: (slice) => this.#put(slice),
    updated: (slice, before) => {
      // A slice may be given to another Service.
      if (serviceOf(before) !== serviceOf(slice)) this.#remove(before)
      this.#put(slice)
    },
    deleted: (slice) => this.#remove(slice),
  }

  /** For the informer of Services, with keepService. */
  readonly serviceHandlers: StoreHandlers<Service> = {
    added: (service) => this.#set(service),
    updated: (service) => this.#set(service),
    deleted: (service) => {
      this.#services.delete(keyOf(service))
      this.#onChange(keyOf(service))
    },
  }

  /** Endpoints at this moment. */
  places(want: ServicePort): ServicePlaces {
    const key = `${want.namespace}/${want.name}`
    return placesOfService(want, this.#services.get(key), [...(this.#slices.get(key)?.values() ?? [])])
  }

  #set(service: Service): void {
    this.#services.set(keyOf(service), service)
    this.#onChange(keyOf(service))
  }

  #put(slice: EndpointSlice): void {
    const key = serviceOf(slice)
    if (key === undefined) return
    const slices = this.#slices.get(key) ?? new Map<string, EndpointSlice>()
    this.#slices.set(key, slices)
    slices.set(keyOf(slice), slice)
    this.#onChange(key)
  }

  #remove(slice: EndpointSlice): void {
    const key = serviceOf(slice)
    const slices = key === undefined ? undefined : this.#slices.get(key)
    if (key === undefined || slices === undefined) return
    slices.delete(keyOf(slice))
    if (slices.size === 0) this.#slices.delete(key)
    this.#onChange(key)
  }
}
