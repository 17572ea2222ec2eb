"""The extensions that a copy keeps: they tell the kind of a file, as everybody's files have it."""

from __future__ import annotations

EXTENSIONS = frozenset(
    """
    3dm 3ds 3g2 3gp 7z a aac abr accdb accde ace adb ade adp ai aif apk ar arc arj art arw asc asf asm asp
    aspx ass au avi avif awk b backup bak bash bat bin bkf blend blf bmp bson bz2 c c4d cab cad cat cbr cc
    cda cdb cdr cdx cer cfg cgi chk chm class cmake cmd cnf conf config cpio cpl cpp cr2 crdownload crl crt
    crw crx cs csh csproj csr css csv ctl cue cur cxx dat db db3 dbf dbx dcm dcr dds deb def der dev dgn dib
    dic dif dir div djv djvu dll dlm dmg dmp dng do doc docm docx dot dotm dotx download drv drw dsk dta dtd
    dtp dvi dwf dwfx dwg dxf dyn ear edb elf emf eml emz eot eps epub err evt exe exp f f90 fdb fdf fig fla
    flac flv fmp fnt fon frm frx fts gcc gdb gdoc gid gif git gltf gml go gpg gpkg gpx gsheet gz gzip h h5
    har hdf heic hlp hpp hqx hta htm html hxx icc icns ico ics idb idml idx ifc iges igs iml inc indd inf
    info ini ins ipynb iso isz jar java jks job jp2 jpe jpeg jpg js json jsonl jsp jsx kdb kdbx key kml kmz
    ko lab ldb ldf lib lic lnk lock log lrf lst lua luz lyr lz4 lzh m m3u m3u8 m4a m4b m4v ma mak man
    manifest map mat max mb md md5 mda mdb mde mdf mdi mdl mdw mef mf mht mid midi mk mkv ml mlb mng mo mobi
    mod mov mp2 mp3 mp4 mpa mpc mpe mpeg mpg mpp mpt mrc msc msf msg msi mso msp mst msu mts mxd mxf ndf nef
    nfo nib nsf ntf ntx numbers nupkg o obj ocx odb odc odf odg odp ods odt oga ogg ogv old one onepkg
    onetoc2 opt opus ora orf ori orig ost otf otg otp ots ott out ova ovf p12 p7b p7c p7m p7s pages pak par
    parquet part pas patch pbm pcap pcapng pcd pcl pct pcx pdb pdf pdi pem pfb pfm pfx pgm pgp php pic pid
    pip pkg pl plist plt pm png pnm po pot potx ppm pps ppsx ppt pptm pptx prc prf prg prj prn pro prproj
    prt ps ps1 psb psd psm pst ptx pub py pyc pyd pyw pyx q qbb qbw qif qt qxd r ra ram rar rb rc rdb rdp
    ref reg res rev rlf rm rmi rpm rpt rs rss rst rtf rtfd run rvt rw2 rwl s sas sass sav save sbn sbx sch
    scr scss sct sdb sdf sed seq set sf sfx sgm sh sha shb shp shs shx sig sis sit skb skp sldasm slddrw
    sldprt slk sln smi snap so spl spo spx sql sqlite sqlite3 sqm sr2 srt srw ssh step stl stp sub sud suo
    svg svgz swap swf swp sxc sxi sxw sym sys t tab tar tbl tbz temp tex text tga tgz thm tif tiff tlb tmp
    toc toml torrent ts tsv ttc ttf txt txz udf uif unf url usr uue v vb vbe vbox vbs vcard vcd vcf vcs
    vcxproj vdi vhd vhdx vi vmdk vmem vmg vmsd vmsn vmss vmtx vmx vmxf vob vox vsd vsdm vsdx vss vst vsx vtt
    vue wab war wasm wav wave wbk wdb webm webp wim wks wma wmf wmv woff woff2 wpd wpl wps wri wsc wsf x x3f
    xar xbm xcf xd xdr xfl xhtml xla xlam xlk xlm xlr xls xlsb xlsm xlsx xlt xltm xltx xlw xmi xml xpm xps
    xq xsd xsf xsl xwd xz y yaml yml z zip zst zstd
    """.split()  # noqa: SIM905
)
"""In lower case. Of any other, as in `john.doe`, nobody can say what it tells: it is part of the name."""
