/// How mail programs introduce what they quote.
enum QuoteMarks {
    /// Whether a line is `-----Original Message-----` in some language.
    static func isSeparator(_ line: Substring) -> Bool {
        guard line.utf8.count <= 200, line.hasPrefix("---") || line.hasPrefix("___") else { return false }
        let words = line.lowercased()
        return separators.contains(where: words.contains)
    }

    private static let separators = [
        "original message", "forwarded message", "originalnachricht", "ursprüngliche nachricht",
        "weitergeleitete nachricht",
        "message d'origine", "message d’origine", "message original", "message transféré", "mensaje original",
        "mensaje reenviado", "messaggio originale", "messaggio inoltrato", "mensagem original", "mensagem encaminhada",
        "oorspronkelijk bericht", "doorgestuurd bericht", "original meddelelse", "originalmeddelande",
        "ursprungligt meddelande",
        "opprinnelig melding", "alkuperäinen viesti", "wiadomość oryginalna", "původní zpráva", "eredeti üzenet",
        "исходное сообщение", "пересылаемое сообщение", "orijinal mesaj", "原始邮件", "元のメッセージ", "원본 메시지",
    ]

    // MARK: - Outlook's lines of headers

    private static let fromNames: Set<String> = [
        "from", "von", "de", "da", "van", "från", "fra", "lähettäjä", "od", "от", "feladó", "kimden", "发件人", "寄件者",
        "差出人", "보낸 사람",
    ]
    private static let otherNames: Set<String> = [
        "sent", "date", "to", "cc", "subject", "gesendet", "datum", "an", "betreff", "envoyé", "date d'envoi", "à",
        "objet", "enviado", "enviado el", "fecha", "para", "asunto", "inviato", "data", "a", "oggetto", "verzonden",
        "aan",
        "onderwerp", "enviada em", "enviado em", "assunto", "skickat", "till", "ämne", "sendt", "til", "emne",
        "lähetetty",
        "vastaanottaja", "aihe", "wysłano", "do", "temat", "odesláno", "komu", "předmět", "отправлено", "кому", "тема",
        "дата", "gönderme tarihi", "gönderildi", "kime", "konu", "elküldve", "címzett", "tárgy", "发送时间", "收件人",
        "主题", "日期", "送信日時", "宛先", "件名", "보낸 날짜", "받는 사람", "제목",
    ]

    /// Whether a mail's headers begin here: one of whom it is from, and at least two more within the next lines.
    static func isHeaderBlock(_ lines: ArraySlice<Substring>) -> Bool {
        guard var first = lines.first else { return false }
        var rest = lines.dropFirst()
        if first.utf8.count >= 5, first.allSatisfy({ $0 == "_" }), let next = rest.first {
            first = next
            rest = rest.dropFirst()
        }
        guard let name = name(first), fromNames.contains(name) else { return false }
        // Up to an empty line.
        return rest.prefix { $0.contains { !$0.isWhitespace } }.count(where: {
            Self.name($0).map(otherNames.contains) ?? false
        }) >= 2
    }

    /// The name of a header, also between asterisks.
    private static func name(_ line: Substring) -> String? {
        guard let colon = line.firstIndex(where: { $0 == ":" || $0 == "：" }), line[..<colon].utf8.count <= 40 else {
            return nil
        }
        let name = line[..<colon].filter { $0 != "*" }.lowercased()
        return String(name.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    // MARK: - On …, … wrote:

    /// What such a line ends with, or has before the writer's name.
    private static let verbs = [
        "wrote", "writes", "schrieb", "a écrit", "escribió", "escribio", "ha scritto", "escreveu", "schreef", "skrev",
        "kirjoitti", "napisał", "napsal", "írta", "пишет", "написал", "писал", "yazdı", "写道", "寫道", "のメール",
        "さんは書きました", "님이 작성", "έγραψε", "a scris", "viết",
    ]
    private static let starts = [
        "on ", "am ", "le ", "el ", "il giorno ", "il ", "em ", "op ", "den ", "pe ", "w dniu ", "dne ", "в ", "在 ",
        "στις ", "vào ",
        "ons ", "tor ", "fre ", "lör ", "sön ", "mån ", "tis ", "pon", "wt", "śr", "czw", "pt",
    ]

    /// How many lines introduce a quoted mail here; `nil`: none.
    static func introduction(_ lines: ArraySlice<Substring>, _ isQuoted: ArraySlice<Bool>) -> Int? {
        guard let first = lines.first, first.contains(where: { !$0.isWhitespace }) else { return nil }
        var text = ""
        for (count, line) in lines.enumerated() {
            // It may be broken into a few lines, but has none that is empty.
            guard count < 4, line.contains(where: { !$0.isWhitespace }), line.utf8.count < 400,
                !isQuoted[isQuoted.startIndex + count]
            else { return nil }
            text += (count > 0 ? " " : "") + line.lowercased()
            while text.last?.isWhitespace == true { text.removeLast() }
            guard text.last == ":" || text.last == "：" else { continue }
            // In some languages it has no verb, but ends with an address.
            let hasVerb = verbs.contains(where: text.contains)
            guard text.utf8.count < 600, hasVerb || text.hasSuffix(">:") && text.contains("@") else { return nil }
            let isDated =
                text.contains { $0.isNumber } && (starts.contains { text.hasPrefix($0) } || text.contains("@"))
            let following = isQuoted.dropFirst(count + 1).prefix(2)
            return hasVerb && isDated || following.contains(true) ? count + 1 : nil
        }
        return nil
    }

    // MARK: - Telephones

    private static let devices = [
        "sent from my ", "sent from outlook", "get outlook for ", "sent from mail for ", "sent from yahoo",
        "von meinem ", "gesendet von ", "gesendet mit der ", "diese nachricht wurde von meinem ", "envoyé de mon ",
        "envoyé depuis ", "enviado desde mi ", "enviado do meu ", "enviado de mi ", "inviato da ",
        "verzonden vanaf mijn ",
        "verstuurd vanaf mijn ", "skickat från min ", "sendt fra min ", "wysłane z ", "отправлено с ", "отправлено из ",
        "发自我的", "從我的", "iphoneから送信", "나의 ", "lähetetty ", "odesláno z ",
    ]

    /// Whether a line at the end is what a telephone writes below each mail.
    static func isDeviceSignature(_ line: Substring) -> Bool {
        guard line.utf8.count <= 120 else { return false }
        let text = line.lowercased()
        return devices.contains { text.hasPrefix($0) }
    }
}
