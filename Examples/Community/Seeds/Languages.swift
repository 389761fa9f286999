/// A language of the seeded members: a share, time zones, and names. `=` stands before what the name is in a handle.
struct SeedLanguage: Sendable {
    let locale: String
    let share: Int
    let zones: [String]
    let given: String
    let family: String
    /// Whether the family's name comes first, and whether a space is between.
    var familyFirst = false
    var closed = false
}

extension Seeds {
    static let zones = Array(Set(languages.flatMap(\.zones))).sorted()

    static let languages: [SeedLanguage] = [
        SeedLanguage(
            locale: "en-GB", share: 16,
            zones: ["Europe/London", "America/New_York", "Australia/Sydney", "Asia/Kolkata"],
            given: "Amelia Callum Nora Priya=priya Siân=sian Zoë=zoe Hugh Beatrix Tamsin Desmond",
            family: """
                O’Brien=obrien Hughes Whitlock Penrose Okafor Brontë=bronte Langford Quigley Nakamura
                Holloway
                """),
        SeedLanguage(
            locale: "de", share: 12, zones: ["Europe/Berlin", "Europe/Vienna", "Europe/Zurich"],
            given: """
                Käthe=kaethe Jürgen=juergen Heike Götz=goetz Björn=bjoern Frauke Rüdiger=ruediger Wiebke
                Sönke=soenke Antje
                """,
            family: """
                Müller=mueller Groß=gross Weiß=weiss Schäfer=schaefer Süßmuth=suessmuth Köhler=koehler
                Jäger=jaeger Öztürk=oeztuerk Häußler=haeussler Böhm=boehm
                """
        ),
        SeedLanguage(
            locale: "fr", share: 10, zones: ["Europe/Paris", "Europe/Brussels", "America/Montreal"],
            given: """
                Chloé=chloe François=francois Aurélie=aurelie Loïc=loic Hélène=helene Benoît=benoit
                Anaïs=anais Jérôme=jerome Maud Gaël=gael
                """,
            family: """
                Lefèvre=lefevre N’Diaye=ndiaye Bœuf=boeuf Garçon=garcon Hénault=henault
                Châtelain=chatelain Guérin=guerin Lesœur=lesoeur Noël=noel Béranger=beranger
                """
        ),
        SeedLanguage(
            locale: "es", share: 10, zones: ["Europe/Madrid", "America/Bogota", "America/Mexico_City"],
            given: """
                Begoña=begona Íñigo=inigo Lucía=lucia Andrés=andres Sofía=sofia Óscar=oscar Inés=ines
                Raúl=raul Itzel Joaquín=joaquin
                """,
            family: """
                Muñoz=munoz Peña=pena Agüero=aguero Zúñiga=zuniga Ordóñez=ordonez Sáenz=saenz
                Castañeda=castaneda Güell=guell Yáñez=yanez Ríos=rios
                """
        ),
        SeedLanguage(
            locale: "pt-BR", share: 6, zones: ["America/Sao_Paulo", "Europe/Lisbon"],
            given: """
                Conceição=conceicao João=joao Inês=ines Antônia=antonia Letícia=leticia Luís=luis
                Estêvão=estevao Graça=graca
                """,
            family: """
                Gonçalves=goncalves Magalhães=magalhaes Simões=simoes Araújo=araujo Falcão=falcao
                Leão=leao Brandão=brandao Guimarães=guimaraes
                """
        ),
        SeedLanguage(
            locale: "pl", share: 8, zones: ["Europe/Warsaw"],
            given: """
                Małgorzata=malgorzata Łukasz=lukasz Bożena=bozena Paweł=pawel Grażyna=grazyna
                Błażej=blazej Róża=roza Michał=michal
                """,
            family: """
                Wójcik=wojcik Kościuszko=kosciuszko Gałązka=galazka Zając=zajac Świątek=swiatek
                Gąsior=gasior Brzęczyszczykiewicz=brzeczyszczykiewicz Żak=zak
                """
        ),
        SeedLanguage(
            locale: "ru", share: 7, zones: ["Europe/Moscow", "Asia/Yekaterinburg", "Asia/Vladivostok"],
            given: """
                Ольга=olga Дмитрий=dmitry Алёна=alyona Юрий=yuri Наталья=natalya Игорь=igor Семён=semyon
                Фёдор=fyodor
                """,
            family: """
                Черных=chernykh Шевчук=shevchuk Щербак=shcherbak Долгих=dolgikh Живаго=zhivago
                Быстрых=bystrykh Гнатюк=gnatyuk
                """
        ),
        SeedLanguage(
            locale: "el", share: 4, zones: ["Europe/Athens", "Asia/Nicosia"],
            given: """
                Ελένη=eleni Γιώργος=giorgos Δέσποινα=despina Σπύρος=spyros Χρυσή=chrysi Θανάσης=thanasis
                """,
            family: "Παππά=pappa Ξένου=xenou Ζέρβας=zervas Δούκα=douka Ψαρρός=psarros Λάππα=lappa"),
        SeedLanguage(
            locale: "tr", share: 4, zones: ["Europe/Istanbul"],
            given: "Gökçe=gokce Işıl=isil Çağrı=cagri Şükrü=sukru İlknur=ilknur Uğur=ugur",
            family: "Yıldırım=yildirim Öztürk=ozturk Şahin=sahin Çelik=celik Güneş=gunes Iğdır=igdir"),
        SeedLanguage(
            locale: "ar", share: 7, zones: ["Africa/Cairo", "Asia/Amman", "Africa/Tunis", "Asia/Riyadh"],
            given: """
                فاطمة=fatima محمد=mohamed نور=nour خالد=khaled لُبنى=lubna يوسف=youssef زينب=zainab
                طارق=tarek
                """,
            family: """
                المصري=almasri الحدّاد=haddad الشامي=alshami قبّاني=qabbani خوري=khoury مراد=mourad
                الخطيب=alkhatib
                """),
        SeedLanguage(
            locale: "he", share: 3, zones: ["Asia/Jerusalem"],
            given: "נועה=noa דוד=david שִׁירָה=shira צבי=zvi תמר=tamar נועם=noam",
            family: """
                כהן=cohen לוי=levi בן־דוד=bendavid שפירא=shapira צ׳רניחובסקי=tchernichovsky חזן=hazan
                """),
        SeedLanguage(
            locale: "hi", share: 6, zones: ["Asia/Kolkata", "Asia/Kathmandu"],
            given: """
                प्रियंका=priyanka राहुल=rahul लक्ष्मी=lakshmi ऋषि=rishi श्रेया=shreya सिद्धार्थ=siddharth
                """,
            family: """
                शर्मा=sharma त्रिपाठी=tripathi द्विवेदी=dwivedi मिश्रा=mishra श्रीवास्तव=srivastava
                जोशी=joshi
                """),
        SeedLanguage(
            locale: "ja", share: 8, zones: ["Asia/Tokyo"],
            given: "花子=hanako 太郎=taro 美咲=misaki 翔=sho かおり=kaori 大輔=daisuke 凛=rin ケンジ=kenji",
            family: """
                田中=tanaka 佐々木=sasaki 髙橋=takahashi 渡邊=watanabe 𠮷田=yoshida 山﨑=yamazaki 小鳥遊=takanashi 森=mori
                """,
            familyFirst: true),
        SeedLanguage(
            locale: "ko", share: 5, zones: ["Asia/Seoul"],
            given: "서연=seoyeon 민준=minjun 하은=haeun 철수=chulsoo 수빈=subin 현우=hyunwoo",
            family: "김=kim 이=lee 박=park 남궁=namgoong 최=choi 황보=hwangbo", familyFirst: true, closed: true),
        SeedLanguage(
            locale: "zh-Hant", share: 4, zones: ["Asia/Taipei", "Asia/Hong_Kong"],
            given: "淑芬=shufen 志明=zhiming 雅婷=yating 俊傑=junjie 美惠=meihui 家豪=jiahao",
            family: "蔡=tsai 許=hsu 歐陽=ouyang 謝=hsieh 顏=yen 魏=wei", familyFirst: true, closed: true),
        SeedLanguage(
            locale: "th", share: 4, zones: ["Asia/Bangkok"],
            given: "สมหญิง=somying สมชาย=somchai น้ำฝน=namfon ธนวัฒน์=thanawat ศิริพร=siriporn",
            family: "ศรีสุข=srisuk ทองดี=thongdee เจริญสุข=charoensuk วงศ์สวัสดิ์=wongsawat"),
    ]
}
