/// How to queue a job. The defaults suit most jobs.
public struct JobOptions: Sendable, Hashable {
    /// Jobs with a smaller number run first, older ones before younger ones (as in beanstalkd).
    public var priority: UInt32 = 1_024
    /// How long to wait before the job is ready.
    public var delay: Duration = .zero
    /// The job is buried after this many attempts that failed or crashed. At least 1.
    public var maxAttempts: Int = 10
    /// The job is buried after the process that ran it died this many times. At least 1.
    public var maxCrashes: Int = 3
    /// How long one run may take; `nil` leaves it to the worker.
    public var timeToRun: Duration?
    public var headers = Headers()
    /// While a job with this key in this queue is not done, enqueueing another returns the first one's id, unless
    /// ``onConflict`` says otherwise. Keys are compared by bytes.
    public var uniqueKey: String? {
        get { key?.text }
        set { key = newValue.map(ByteText.init) }
    }
    private var key: ByteText?
    /// For whom the job is: a tenant, a customer, a host. Queues share their workers fairly between groups and can limit
    /// how much of a group runs at a time. `nil`: for no one in particular. Compared by bytes.
    public var group: String? {
        get { groupName?.text }
        set { groupName = newValue.map(ByteText.init) }
    }
    private var groupName: ByteText?
    /// An enqueue with a key that this queue had within the last ``idempotencyPeriod`` adds nothing: its answer is
    /// `duplicate` with the job of the first one, whatever has become of that job. So an enqueue whose outcome is unknown
    /// can be repeated. Compared by bytes, 1 to 1,024 of them. The first of ``idempotencyKeys``; setting it replaces them all.
    public var idempotencyKey: String? {
        get { repeatedKeys.first?.text }
        set { repeatedKeys = newValue.map { [ByteText($0)] } ?? [] }
    }
    /// Several such keys, for what may come again under any of them. If the queue had one of them, nothing is added: the
    /// answer is `duplicate` with the job of the first key that is known, and the keys before it become keys of that job
    /// too. ``NewJob`` refuses more than ``maximumIdempotencyKeys``.
    public var idempotencyKeys: [String] {
        get { repeatedKeys.map(\.text) }
        set { repeatedKeys = newValue.map(ByteText.init) }
    }
    private var repeatedKeys: [ByteText] = []
    /// How many keys a job may have; each is looked up with each enqueue.
    public static let maximumIdempotencyKeys = 4
    /// From this long after its enqueue the job is never started, neither for the first time nor again after a failure:
    /// it becomes ``JobState/expired``. A run that has started may finish. `nil`: it waits for as long as it takes.
    public var expires: Duration?
    /// What happens if another job has the unique key. Anything but `keep` needs a unique key.
    public var onConflict = ConflictPolicy.keep
    /// Only with `collect`, and without a delay: each event moves the start of its digest to this long after the event.
    /// A start that has come is not moved any more.
    public var debounce: Duration?
    /// Only with ``debounce``: a digest starts no later than this long after its first event.
    public var atMost: Duration?
    /// Only with `collect`: an event that would be beyond this number in its digest starts the next one.
    public var maxEvents = JobOptions.defaultMaxEvents
    /// Only with `collect`: an event that would bring the payloads of its digest above this number of bytes starts the
    /// next one. A single event is never refused for its size.
    public var maxEventBytes = NewJob.maximumPayloadBytes

    public static let defaultMaxEvents = 1_000
    /// How long a queue knows an ``idempotencyKey``: a day.
    public static let idempotencyPeriod: Duration = .seconds(86_400)

    public init() {}

    public init(
        priority: UInt32 = 1_024, delay: Duration = .zero, maxAttempts: Int = 10, maxCrashes: Int = 3,
        timeToRun: Duration? = nil, headers: Headers = Headers(), uniqueKey: String? = nil,
        group: String? = nil, expires: Duration? = nil, onConflict: ConflictPolicy = .keep, debounce: Duration? = nil,
        atMost: Duration? = nil, maxEvents: Int = JobOptions.defaultMaxEvents,
        maxEventBytes: Int = NewJob.maximumPayloadBytes, idempotencyKey: String? = nil
    ) {
        self.priority = priority
        self.delay = delay
        self.maxAttempts = maxAttempts
        self.maxCrashes = maxCrashes
        self.timeToRun = timeToRun
        self.headers = headers
        key = uniqueKey.map(ByteText.init)
        groupName = group.map(ByteText.init)
        self.expires = expires
        self.onConflict = onConflict
        self.debounce = debounce
        self.atMost = atMost
        self.maxEvents = maxEvents
        self.maxEventBytes = maxEventBytes
        repeatedKeys = idempotencyKey.map { [ByteText($0)] } ?? []
    }
}
